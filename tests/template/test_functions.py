"""The functions of the template are those of functions/, and have what their code reads."""

import re
import tomllib

import pytest
from conftest import CRATES, ROOT, secs, source

CONFIG = source("streamforge-lambda/src/config.rs")


def variables(pattern):
    return set(re.findall(pattern + r'\("([A-Z0-9_]+)"\)', CONFIG))


@pytest.fixture
def globals_(root):
    return root["Globals"]["Function"]["Environment"]["Variables"]


def test_every_folder_is_a_function(functions):
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/Cargo.toml")}
    assert {name.lower() for name in functions} == folders


def test_every_function_has_a_role_of_its_own(functions, infra):
    roles = infra["permissions"]["Outputs"]
    assert set(roles) == set(functions)
    for name, function in functions.items():
        assert function["Properties"]["Role"] == {
            "Fn::GetAtt": ["Permissions", f"Outputs.{name}"]}
        assert roles[name]["Value"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}


def test_every_function_has_the_variables_without_which_it_does_not_start(globals_):
    required = variables(r"vars\.required")
    assert len(required) == 6
    assert required <= set(globals_)


def test_every_variable_is_read(functions, globals_):
    read = variables(r"(?:vars|self)\s*\.(?:required|text|number|secs)")
    set_somewhere = set(globals_)
    for function in functions.values():
        own = function["Properties"].get("Environment", {}).get("Variables", {})
        set_somewhere |= set(own)
    assert set_somewhere <= read
    # Lambda sets one, and nothing needs the other.
    assert read - set_somewhere == {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_ENDPOINT_URL_S3"}


def test_functions_that_run_ffmpeg_know_where_it_is(functions):
    for name in ["Ingest", "Transcode"]:
        own = functions[name]["Properties"]["Environment"]["Variables"]
        assert own == {"FFMPEG": "/opt/bin/ffmpeg", "FFPROBE": "/opt/bin/ffprobe"}


def test_defaults_are_those_of_the_code(root):
    limits = source("streamforge-core/src/limits.rs")
    (bytes_,) = re.findall(r"max_bytes: (\d+) << 30", limits)
    (pixels,) = re.findall(r"max_pixels: (\d+ \* \d+)", limits)
    (duration,) = re.findall(r"max_duration: (Duration::\S+),", limits)
    width, height = map(int, pixels.split("*"))

    def duration_in(path, field):
        (value,) = re.findall(rf"{field}: (Duration::[^,]+),", source(path))
        return secs(value)

    api, worker = "streamforge-api/src/lib.rs", "streamforge-worker/src/lib.rs"
    ladder = source("streamforge-core/src/ladder.rs")
    (rungs,) = re.findall(r"rungs: \[([\d, ]+)\]\s*\.into_iter", ladder)
    expected = {
        "Rungs": ",".join(f"{rung}p" for rung in rungs.split(", ")),
        "MaxSourceBytes": int(bytes_) << 30,
        "MaxSourcePixels": width * height,
        "MaxSourceSecs": secs(duration),
        "PresignExpirySecs": duration_in(api, "presign_expiry"),
        "UploadExpirySecs": duration_in(api, "upload_expiry"),
        "ReadySourceRetentionSecs": duration_in(worker, "ready_source"),
        "FailedSourceRetentionSecs": duration_in(worker, "failed_source"),
    }
    assert {name: root["Parameters"][name]["Default"] for name in expected} == expected


def routes_of_the_code():
    routes = set()
    for path in (CRATES / "streamforge-api/src").rglob("*.rs"):
        attributes = re.findall(r"#\[utoipa::path\((.*?)\n\)\]", path.read_text(), re.S)
        for attribute in attributes:
            method, route = re.match(r'\s*(\w+),\s*path = "([^"]+)"', attribute).groups()
            routes.add(f"{method.upper()} {route}")
    return routes | {"GET /api/openapi.json"}


def test_every_route_of_the_code_leads_somewhere(resources, infra):
    kind = "AWS::ApiGatewayV2::Route"
    routed = {r["Properties"]["RouteKey"] for r in resources.values() if r["Type"] == kind}
    expected = routes_of_the_code()
    events = {route for route in expected if route.endswith("/events")}
    assert len(events) == 2
    assert routed == expected - events

    distribution = infra["cdn"]["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    behaviours = {b["PathPattern"]: b["TargetOriginId"] for b in distribution["CacheBehaviors"]}
    to_events = {path for path, origin in behaviours.items() if origin == "events"}
    assert to_events == {re.sub(r"\{\w+\}", "*", route.removeprefix("GET ")) for route in events}
    # The first pattern that fits counts.
    assert list(behaviours).index("/api/*") > max(list(behaviours).index(p) for p in to_events)


def test_every_integration_may_call_its_function(resources):
    for name, resource in resources.items():
        if resource["Type"] != "AWS::ApiGatewayV2::Integration":
            continue
        function = name.removesuffix("Integration")
        assert f"${{{function}.Arn}}" in resource["Properties"]["IntegrationUri"]["Fn::Sub"]
        permission = resources[f"{function}Permission"]["Properties"]
        assert permission["FunctionName"] == {"Ref": function}


def test_events_are_streamed_and_only_to_cloudfront(functions, infra):
    assert functions["Events"]["Properties"]["FunctionUrlConfig"] == {
        "AuthType": "AWS_IAM", "InvokeMode": "RESPONSE_STREAM"}
    permissions = [r["Properties"] for r in infra["cdn"]["Resources"].values()
                   if r["Type"] == "AWS::Lambda::Permission"]
    assert {p["Action"] for p in permissions} == {
        "lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
    assert {p["Principal"] for p in permissions} == {"cloudfront.amazonaws.com"}


def test_nested_stacks_get_what_they_ask_for(resources, infra):
    stacks = {r["Properties"]["TemplateURL"]: r["Properties"].get("Parameters", {})
              for r in resources.values() if r["Type"] == "AWS::CloudFormation::Stack"}
    assert set(stacks) == {f"infra/{name}.yaml" for name in infra}
    for url, given in stacks.items():
        asked = infra[url.removeprefix("infra/").removesuffix(".yaml")].get("Parameters", {})
        assert set(given) == set(asked), url


def test_every_parameter_says_what_it_is_and_what_to_do(root):
    for name, parameter in root["Parameters"].items():
        assert parameter["Description"].endswith("."), name
        assert "Default" in parameter, f"{name}: a first deployment should need to know nothing"
        if "AllowedPattern" in parameter:
            assert parameter["ConstraintDescription"].startswith("must be"), name


# What CloudFormation takes for each parameter that has a pattern, and what it refuses with the parameter's own sentence.
VALUES = {
    "DomainName": (["", "video.example.com", "a.io"],
                   ["https://video.example.com", "Video.example.com", "localhost", "example.com/", "-a.example.com"]),
    "CertificateArn": (["", "arn:aws:acm:us-east-1:123456789012:certificate/0a1b-2c"],
                       ["arn:aws:acm:eu-central-1:123456789012:certificate/0a1b-2c", "0a1b-2c"]),
    "HostedZoneId": (["", "Z1D633PJN98FT9"], ["z1d633", "/hostedzone/Z1D633PJN98FT9"]),
    "AlarmEmail": (["", "ops@example.com"], ["ops", "ops@example", "a b@example.com", "a@b.c, d@e.f"]),
    "Rungs": (["360p", "1080p,720p,360p", "2160p,1440p"],
              ["", "1080", "1080p, 720p", "720p,720p", "360p,1080p,360p", "480p", "720p,"]),
    "InteractiveConcurrency": (["0", "2", "9", "10", "999", "1000"], ["", "1", "-2", "01", "1001", "2.5", "many"]),
    "BulkConcurrency": (["0", "2", "1000"], ["1", "1001"]),
    "EndpointUrl": (["", "http://localhost:4566"], ["localhost:4566", "http://localhost:4566/"]),
    "UploadEndpointUrl": (["", "https://files.example"], ["https://files.example/path"]),
    "MediaUrl": (["", "http://localhost:4566/bucket"], ["http://localhost:4566/bucket/", "/v"]),
}


def test_patterns_take_what_works_and_nothing_else(root):
    patterns = {name: parameter["AllowedPattern"] for name, parameter in root["Parameters"].items() if "AllowedPattern" in parameter}
    assert set(VALUES) == set(patterns)
    for name, (good, bad) in VALUES.items():
        # CloudFormation's are Java's, of the whole value.
        taken = [value for value in good + bad if re.fullmatch(patterns[name], value)]
        assert taken == good, name
        assert re.fullmatch(patterns[name], root["Parameters"][name]["Default"]), name


def holds(condition, parameters):
    """What CloudFormation makes of a condition of a rule, of those functions that ours have."""
    ((function, argument),) = condition.items()
    if function == "Fn::Not":
        (negated,) = argument
        return not holds(negated, parameters)
    assert function == "Fn::Equals"
    left, right = (parameters[value["Ref"]] if isinstance(value, dict) else value for value in argument)
    return left == right


DOMAIN = {"DomainName": "video.example.com", "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b-2c"}


@pytest.mark.parametrize(("given", "sentences"), [
    ({}, []),
    (DOMAIN, []),
    (DOMAIN | {"HostedZoneId": "Z1D633PJN98FT9"}, []),
    ({"Cdn": "false", "MediaUrl": "http://localhost:4566/bucket"}, []),
    ({"DomainName": "video.example.com"}, ["DomainName needs CertificateArn"]),
    (DOMAIN | {"Cdn": "false"}, ["leave it empty where Cdn is false"]),
    (DOMAIN | {"MediaUrl": "https://cdn.example.com"}, ["leave MediaUrl empty, or DomainName"]),
    ({"CertificateArn": DOMAIN["CertificateArn"]}, ["CertificateArn is of no use without DomainName"]),
    ({"HostedZoneId": "Z1D633PJN98FT9"}, ["HostedZoneId is of no use without DomainName"]),
])
def test_parameters_that_do_not_go_together_are_refused_with_a_sentence(root, given, sentences):
    parameters = {name: parameter["Default"] for name, parameter in root["Parameters"].items()} | given
    said = [
        assertion["AssertDescription"]
        for rule in root["Rules"].values() if holds(rule["RuleCondition"], parameters)
        for assertion in rule["Assertions"] if not holds(assertion["Assert"], parameters)
    ]
    assert len(said) == len(sentences), said
    for text, sentence in zip(said, sentences, strict=True):
        assert sentence in text


def test_samconfig_sets_parameters_that_exist(root):
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    for environment in ["default", "local", "prod"]:
        overrides = config[environment]["deploy"]["parameters"].get("parameter_overrides", "")
        for override in overrides.split():
            name, value = override.split("=")
            assert name in root["Parameters"]
            allowed = root["Parameters"][name].get("AllowedValues", [value])
            assert value in map(str, allowed)


def test_sam_local_finds_the_routes(resources):
    # It reads routes of the kind that it meets first (samcli.lib.providers.api_provider).
    kinds = [resource["Type"] for resource in resources.values()]
    assert kinds.index("AWS::ApiGatewayV2::Api") < kinds.index("AWS::Serverless::Function")
