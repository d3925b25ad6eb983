"""What StreamForge costs on AWS and how long it takes there: on paper, from measured processor time.

Model: `layout` (chunks and lanes, as the core plans them), `work` (how long one job takes), `usage` (what a video asks of each
service), `bill` (what that costs), `simulation` (when a video plays and is ready). They are pure: numbers in, numbers out.

Data: prices.toml, measurements.toml; `data` reads them. Printing: `tables`.
"""
