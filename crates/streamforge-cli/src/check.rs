//! placeholder
pub(crate) async fn run(_target: &str, _json: bool) -> anyhow::Result<bool> {
    anyhow::bail!("not yet")
}
