"""What the template makes is what crates/streamforge-aws/src/resources.rs says must exist."""

import re

import pytest
from conftest import ROOT, Constants, source


@pytest.fixture
def table(infra):
    return infra["data"]["Resources"]["Table"]["Properties"]


def keys(of):
    return {key["KeyType"]: key["AttributeName"] for key in of["KeySchema"]}


def test_the_table_has_our_keys_and_indexes(table, constants):
    assert keys(table) == {
        "HASH": constants.text("PARTITION_KEY"), "RANGE": constants.text("SORT_KEY")}
    indexes = {}
    for name in re.findall(r"BY_[A-Z]+", constants["INDEXES"]):
        index, partition, sort = constants.texts(name)
        indexes[index] = {"HASH": partition, "RANGE": sort}
    made = table["GlobalSecondaryIndexes"]
    assert {index["IndexName"]: keys(index) for index in made} == indexes
    assert all(index["Projection"] == {"ProjectionType": "ALL"} for index in made)


def test_the_table_pays_by_request_forgets_and_can_be_recovered(table, constants):
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"] == {
        "AttributeName": constants.text("TTL_ATTRIBUTE"), "Enabled": True}
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]


def test_every_bucket_is_private_and_encrypted(resources, infra):
    everything = [resources, infra["data"]["Resources"]]
    buckets = [r for all in everything for r in all.values() if r["Type"] == "AWS::S3::Bucket"]
    assert len(buckets) == 3
    for bucket in buckets:
        properties = bucket["Properties"]
        assert len(properties["PublicAccessBlockConfiguration"]) == 4
        assert all(properties["PublicAccessBlockConfiguration"].values())
        assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]


def test_what_users_made_outlives_the_stack(infra):
    for name in ["Table", "MediaBucket"]:
        resource = infra["data"]["Resources"][name]
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resource["UpdateReplacePolicy"] == "Retain"


def test_pages_may_send_parts_to_the_upload_bucket(resources, constants):
    cors = resources["UploadBucket"]["Properties"]["CorsConfiguration"]
    assert cors["CorsRules"] == [{
        "AllowedOrigins": constants.texts("UPLOAD_CORS_ORIGINS"),
        "AllowedMethods": constants.texts("UPLOAD_CORS_METHODS"),
        "AllowedHeaders": constants.texts("UPLOAD_CORS_HEADERS"),
        "ExposedHeaders": constants.texts("UPLOAD_CORS_EXPOSED"),
        "MaxAge": constants.secs("UPLOAD_CORS_MAX_AGE"),
    }]


def test_what_was_abandoned_expires(resources, constants):
    rules = resources["UploadBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    rules = {rule["Id"]: rule for rule in rules}
    assert all(rule["Status"] == "Enabled" for rule in rules.values())
    days = rules["abandoned-parts"]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
    assert days == constants.number("ABORT_MULTIPART_AFTER_DAYS")
    assert "Prefix" not in rules["abandoned-parts"]
    # Nothing else may expire: how long sources are kept, their records say.
    expiring = {rule["Prefix"] for rule in rules.values() if "ExpirationInDays" in rule}
    assert expiring == {"temp/"}


def test_an_arrived_file_starts_ingest(resources, constants):
    (event,) = resources["Ingest"]["Properties"]["Events"].values()
    rules = event["Properties"]["Filter"]["S3Key"]["Rules"]
    assert rules == [{"Name": "prefix", "Value": constants.text("SOURCE_PREFIX")}]
    assert event["Properties"]["Events"] == "s3:ObjectCreated:*"


def test_the_queues_give_up_as_late_as_the_code_expects(infra, constants):
    queues = {name: r["Properties"] for name, r in infra["queues"]["Resources"].items()}
    dead = queues.pop("DeadLetterQueue")
    assert dead["MessageRetentionPeriod"] == constants.secs("DEAD_LETTER_RETENTION")
    assert len(queues) == 2
    for queue in queues.values():
        assert queue["RedrivePolicy"]["maxReceiveCount"] == constants.number("MAX_RECEIVE_COUNT")


def test_messages_stay_hidden_for_six_times_the_functions_timeout(infra, resources):
    timeout = resources["Transcode"]["Properties"]["Timeout"]
    for name in ["InteractiveQueue", "BulkQueue"]:
        assert infra["queues"]["Resources"][name]["Properties"]["VisibilityTimeout"] == 6 * timeout


def test_a_failed_message_comes_again_alone(resources):
    events = resources["Transcode"]["Properties"]["Events"].values()
    assert len(events) == 2
    for event in events:
        assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert event["Properties"]["BatchSize"] == 1


def test_streams_have_the_headers_of_our_edge(infra):
    edge = Constants("streamforge-local/src/edge.rs")
    headers = infra["cdn"]["Resources"]["StreamHeaders"]["Properties"]
    cors = headers["ResponseHeadersPolicyConfig"]["CorsConfig"]

    def named(constant):
        return edge.text(constant).split(", ")

    assert cors["AccessControlAllowOrigins"]["Items"] == ["*"]
    assert cors["AccessControlAllowMethods"]["Items"] == named("METHODS")
    assert cors["AccessControlAllowHeaders"]["Items"] == named("ALLOWED_HEADERS")
    assert cors["AccessControlExposeHeaders"]["Items"] == named("EXPOSED_HEADERS")
    assert cors["AccessControlMaxAgeSec"] == int(edge.text("PREFLIGHT_SECS"))
    assert "X_CONTENT_TYPE_OPTIONS" in source("streamforge-local/src/edge.rs")
    security = headers["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert security["ContentTypeOptions"]["Override"]


@pytest.mark.parametrize("headers, ancestors", [("PageHeaders", "'none'"), ("EmbedHeaders", "*")])
def test_pages_have_the_policy_they_are_tested_with(infra, headers, ancestors):
    template = (ROOT / "web/csp.txt").read_text().strip()
    expected = template.replace("{files}", "https://${UploadBucketDomain}").replace("{ancestors}", ancestors)
    config = infra["cdn"]["Resources"][headers]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    policy = config["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    assert (policy["Fn::Sub"] if isinstance(policy, dict) else policy) == expected
    assert config["ContentTypeOptions"]["Override"]


def test_one_page_serves_every_address_of_the_app(infra):
    distribution = infra["cdn"]["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    by_path = {behaviour["PathPattern"]: behaviour for behaviour in distribution["CacheBehaviors"]}
    for behaviour in by_path["/embed/*"], distribution["DefaultCacheBehavior"]:
        assert behaviour["TargetOriginId"] == "ui"
        assert behaviour["FunctionAssociations"][0]["EventType"] == "viewer-request"
    assert "/index.html" in infra["cdn"]["Resources"]["OnePage"]["Properties"]["FunctionCode"]


def test_cloudfront_keeps_streams_as_long_as_their_cache_control_says(infra):
    policy = infra["cdn"]["Resources"]["StreamCaching"]["Properties"]["CachePolicyConfig"]
    assert (policy["MinTTL"], policy["DefaultTTL"]) == (0, 0)
    key = policy["ParametersInCacheKeyAndForwardedToOrigin"]
    behaviours = {key[part]["QueryStringBehavior" if part == "QueryStringsConfig" else
                            part.removesuffix("sConfig") + "Behavior"]
                  for part in ["CookiesConfig", "HeadersConfig", "QueryStringsConfig"]}
    assert behaviours == {"none"}
    assert key["EnableAcceptEncodingGzip"]
