//! What the API says of itself.

use reqwest::StatusCode;

use crate::Server;

#[tokio::test]
async fn the_description_and_its_viewer_come_from_here() {
    let server = Server::start().await;
    let description = server.get("/api/openapi.json").await;
    assert_eq!(
        description.body,
        serde_json::to_value(streamforge_api::openapi()).unwrap()
    );
    let viewer = server
        .client
        .get(format!("{}/api/docs/", server.url))
        .send()
        .await
        .unwrap();
    assert_eq!(viewer.status(), StatusCode::OK);
    let page = viewer.text().await.unwrap();
    assert!(page.contains("swagger-ui"), "{page}");
    for file in [
        "swagger-ui-bundle.js",
        "swagger-ui-standalone-preset.js",
        "swagger-initializer.js",
        "swagger-ui.css",
    ] {
        assert!(page.contains(&format!("./{file}")), "{file}");
        let got = server
            .client
            .get(format!("{}/api/docs/{file}", server.url))
            .send()
            .await
            .unwrap();
        assert_eq!(got.status(), StatusCode::OK, "{file}");
    }
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "{page}"
    );
    server.stop().await;
}

#[test]
fn every_operation_names_its_problems_and_has_an_id_of_its_own() {
    let description = serde_json::to_value(streamforge_api::openapi()).unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let about = format!("{method} {path}");
            assert!(
                ids.insert(operation["operationId"].as_str().unwrap()),
                "{about}"
            );
            assert!(operation["summary"].is_string(), "{about}");
            assert!(
                operation["responses"]["503"]["content"]["application/problem+json"].is_object(),
                "{about}"
            );
            assert!(operation["tags"][0] != "crate", "{about}");
        }
    }
    assert_eq!(ids.len(), 16, "{ids:?}");
}
