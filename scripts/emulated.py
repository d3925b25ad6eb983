"""Changes what `sam build` made so that MiniStack can run it:

    .venv/cloud/bin/python scripts/emulated.py .aws-sam/build FOLDER      makes FOLDER/template.yaml
"""

import re
import shutil
import sys
from pathlib import Path

import docker
from samcli.local.docker.lambda_image import LambdaImage
from samcli.yamlhelper import yaml_dump, yaml_parse

# Looks like a repository of ECR, so that `sam deploy` takes it as it is; the emulator finds the image on this machine.
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/streamforge-transcode:local"

# What runs an image as Lambda does; it comes with SAM CLI.
EMULATED_LAMBDA = LambdaImage._RAPID_SOURCE_PATH / "aws-lambda-rie-x86_64"


def emulated(built, folder, ffmpeg=None):
    """The template. `ffmpeg` is the folder of FFmpeg where functions have no /opt: as processes of this machine."""
    built = shutil.copytree(built, folder, dirs_exist_ok=True)
    made = yaml_parse((built / "template.yaml").read_text())
    functions = made["Resources"]

    # The emulator sends events to port 8080 of a container, where Lambda listens around the images of others.
    image = functions["Transcode"]["Properties"]
    context = folder / "image"
    context.mkdir(exist_ok=True)
    shutil.copy(EMULATED_LAMBDA, context / "lambda")
    (context / "lambda").chmod(0o755)
    (context / "Dockerfile").write_text(f'FROM {image["ImageUri"]}\nCOPY lambda /lambda\nENTRYPOINT ["/lambda", "/bootstrap"]\n')
    docker.from_env().images.build(path=str(context), tag=IMAGE)
    image["ImageUri"] = IMAGE
    functions["Transcode"].pop("Metadata")

    if ffmpeg:
        ingest = functions["Ingest"]["Properties"]["Environment"]["Variables"]
        ingest.update(FFMPEG=str(ffmpeg / "ffmpeg"), FFPROBE=str(ffmpeg / "ffprobe"))
    path = built / "template.yaml"
    path.write_text(yaml_dump(made))

    # On AWS the one action permits both calls; the emulator takes the batch for another action.
    permissions = built / "Permissions" / "template.yaml"
    batches = re.sub(r"^( *)- sqs:SendMessage$", r"\g<0>\n\1- sqs:SendMessageBatch", permissions.read_text(), flags=re.M)
    permissions.write_text(batches)
    return path


if __name__ == "__main__":
    emulated(Path(sys.argv[1]), Path(sys.argv[2]))
