"""What LocalStack 4.9.2 does otherwise than the tests expect of S3. Where it is stricter or laxer than AWS, the reason says so."""

import pytest

# Whole tests, by name; of parametrized ones the cases that are named in brackets, or all.
OTHERWISE = {
    "test_nobody_is_answered_without_a_signature": "lets anybody ask for anything, unsigned",
    "test_keys_that_are_not_known": "knows every key, and verifies only presigned URLs",
    "test_a_presigned_url_is_for_one_thing_only": "lets anybody ask for anything, unsigned; a tampered URL is refused",
    "test_there_is_one_signature": "looks at the one in the URL, and refuses the header that it does not sign",
    "test_signatures_of_version_2_are_refused": "takes the signatures that S3 takes no more",
    "test_a_body_that_was_not_signed_is_refused": "verifies only presigned URLs",
    "test_a_body_in_chunks_that_is_not_what_it_says": "reads bodies in chunks that are not well-formed",
    "test_a_body_must_say_its_length": "takes bodies of no length",
    "test_a_request_of_another_time_is_refused": "verifies only presigned URLs",
    "test_forms_are_not_taken": "takes forms, as S3 does and we do not",
    "test_a_client_may_wait_before_it_sends_the_body": "asks for the body before it looks at who sends it",
    "test_creating_a_bucket_again_is_no_error": "says that one has it, as S3 does outside us-east-1",
    "test_cors_rules_that_cannot_be[rule1-InvalidRequest]": "takes an origin with two asterisks",
    "test_cors_rules_that_cannot_be[rule2-MalformedXML]": "takes a rule without origins",
    "test_a_lifecycle_rule_nobody_would_apply_is_refused": "keeps every rule, and applies none",
    "test_checksums_of_parts_become_one[CRC32-FULL_OBJECT": "computes another checksum of a whole object than it is given",
    "test_checksums_of_parts_become_one[CRC32-COMPOSITE": "does not compare the checksum of checksums",
    "test_checksums_of_parts_become_one[SHA256-COMPOSITE": "does not compare the checksum of checksums",
    "test_only_an_object_with_a_checksum_of_its_own_has_parts_without": "wants the checksum of each part of every upload with checksums",
    "test_a_preflight_is_answered_by_the_rules": "compares the names of headers with an asterisk letter by letter",
    "test_answers_can_be_read_by_the_page_errors_too": "answers what is not signed at all",
    "test_an_upload_that_cannot_be_completed_stays_as_it_is": "looks at the size of parts before their order",
    "test_completing_again_gets_the_same_answer": "has forgotten an upload once it is complete",
    "test_too_much_metadata_is_refused": "takes as much metadata as one has",
    "test_a_range_outside_the_object": "does not tell the size with the refusal",
    "test_conditions_on_reading": "does not know If-Match: *",
    "test_conditions_on_writing": "deletes under no condition",
    "test_several_keys_are_deleted_at_once": "deletes more than a thousand at once",
    "test_a_listing_has_pages_prefixes_and_delimiters": "lists a thousand when it is asked for none",
    "test_what_is_not_done_is_refused": "does more of S3 than we do",
    "test_what_cannot_be_done_under_a_condition_is_not_done_without": "takes no notice of conditions that S3 knows",
}

INSIDE = "looks into the embedded S3"
NOT_FOR_IT = {
    "test_a_body_that_is_cut_short_is_never_seen": INSIDE,
    "test_an_aborted_upload_is_gone": INSIDE,
    "test_files_are_copied_there_and_back": "needs the AWS CLI, which wants another boto3 than LocalStack",
    "test_an_upload_is_made_step_by_step": "needs the AWS CLI, which wants another boto3 than LocalStack",
}


def mark(items):
    """Skips what cannot be asked of LocalStack, and expects to fail what it does otherwise: so that one sees when that has changed."""
    for item in items:
        if {"own_server", "program"} & set(item.fixturenames):
            item.add_marker(pytest.mark.skip(reason=INSIDE))
        elif why := NOT_FOR_IT.get(item.originalname):
            item.add_marker(pytest.mark.skip(reason=why))
        for name, why in OTHERWISE.items():
            if item.name == name or item.originalname == name or ("[" in name and item.name.startswith(name)):
                item.add_marker(pytest.mark.xfail(reason=why))
