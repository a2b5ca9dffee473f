package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.testkit.OnEachDatabase;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.TestMails;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Callbacks of Fotor: the answer, the rows, the answer of the management API, and the mail. */
final class FotorTest extends OnEachDatabase {
    private static final ObjectMapper JSON = new ObjectMapper();

    // ---- the payloads of Fotor's webhook page ----

    @Test
    void recordsACompletedAvatarWithItsImages() {
        String payload = TestCallboard.payload("fotor-avatar-completed");
        String id = "39371b3800cc4a7e9e24867b0dfdf25b";
        Instant before = Instant.now();

        accept(payload);

        assertThat(task(id))
                .containsEntry("provider", "fotor")
                .containsEntry("status", "1")
                .containsEntry("outcome", "completed")
                .containsEntry("task_type", "avatar")
                .containsEntry("business_id", "75f15294e55540e198bb19cc0a068fd2")
                .containsEntry("failure_reason", null)
                .containsEntry("occurred_at", null)
                .containsEntry("revision", 1);
        assertThat(callboard.rows("SELECT * FROM callback WHERE task_id = ?", id))
                .singleElement()
                .satisfies(callback -> assertThat(callback)
                        .containsEntry("callback_id", task(id).get("applied_callback_id"))
                        .containsEntry("status", "1")
                        .containsEntry("outcome", "completed")
                        .containsEntry("alerts", null)
                        .containsEntry("client_address", "127.0.0.1")
                        .containsEntry("origin", "callback"));
        assertThat(results(id))
                .extracting(result -> result.get("template_id"), result -> result.get("external_id"))
                .containsExactlyInAnyOrder(
                        tuple("d691196a-6daa-4bf9-a011-5422d95ce03f", "4a19223cef7b4094a4f66c7de57f7ef4"),
                        tuple("74d8ef37-4864-480b-927a-dde52e429609", "e20cb71b42474fc1a0750cb7627720b5"),
                        tuple("7292c5b5-ecb0-4868-b4a4-849c73cc302c", "a2773ff7d3534a6ca8735ef7ad4f3f3d"));
        assertThat(results(id))
                .allSatisfy(result ->
                        assertThat(result).containsEntry("kind", "image").containsEntry("flagged", false));
        assertThat(callboard.alerts(id)).isEmpty();

        JsonNode shown = callboard.task("fotor", id);
        assertThat(shown.at("/task/outcome").asText()).isEqualTo("completed");
        assertThat(Instant.parse(shown.at("/task/firstReceivedAt").asText())).isBetween(before, Instant.now());
        assertThat(shown.at("/results")).hasSize(3);
        assertThat(shown.at("/callbacks/0/payload").asText()).isEqualTo(payload);
        assertThat(shown.at("/callbacks/0/sourceAddress").asText()).isEqualTo("127.0.0.1");
    }

    @Test
    void recordsAVideoThatIsInProgressAndThenCompleted() {
        String id = "5f0d6c1a7b8e4d2f9a3b4c5d6e7f8091";

        accept(TestCallboard.payload("fotor-video-in-progress"));

        assertThat(task(id)).containsEntry("status", "0").containsEntry("outcome", "in_progress");
        assertThat(results(id)).isEmpty();

        accept(TestCallboard.payload("fotor-video-completed"));

        assertThat(task(id)).containsEntry("status", "1").containsEntry("outcome", "completed");
        assertThat(results(id)).singleElement().satisfies(result -> assertThat(result)
                .containsEntry("kind", "video")
                .containsEntry("url", "https://static.example.com/out/5f0d6c1a.mp4"));
        assertThat(callboard.alerts(id)).isEmpty();
        assertThat(callboard.task("fotor", id).at("/callbacks").findValuesAsText("outcome"))
                .as("callbacks, newest first")
                .containsExactly("completed", "in_progress");
    }

    @Test
    void mailsAFailedVideo() throws Exception {
        String id = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

        accept(TestCallboard.payload("fotor-video-failed"));

        assertThat(task(id)).containsEntry("outcome", "failed").containsEntry("failure_reason", null);
        assertThat(callboard.alerts(id)).singleElement().satisfies(alert -> assertThat(alert)
                .containsEntry("kind", "failed"));
        var mail = callboard.mailOf(id);
        assertThat(mail.getSubject()).contains("Fotor", "failed", id);
        assertThat(TestMails.text(mail)).contains("videoEnhancer", "75f15294e55540e198bb19cc0a068fd2");
        assertThat(TestMails.html(mail)).contains(id);
        assertThat(mail.getAllRecipients()).extracting(Object::toString).containsExactly("ops@localhost");
    }

    @Test
    void mailsAnAvatarWhoseContentIsFlagged() {
        String id = "77aa0c3d4e5f60718293a4b5c6d7e8f9";

        accept(TestCallboard.payload("fotor-avatar-flagged"));

        assertThat(task(id)).containsEntry("outcome", "completed");
        assertThat(results(id))
                .filteredOn(result -> (Boolean) result.get("flagged"))
                .extracting(result -> result.get("external_id"))
                .containsExactly("e20cb71b42474fc1a0750cb7627720b5");
        assertThat(callboard.alerts(id)).singleElement().satisfies(alert -> assertThat(alert)
                .containsEntry("kind", "flagged")
                .containsEntry("other_kinds", null));
        callboard.mailOf(id);
    }

    // ---- alerts ----

    @Test
    void raisesNoResultForACompletedTaskWithoutAFile() {
        for (String more : List.of(
                "",
                ", \"resultUrl\": \"\", \"avatarResult\": []",
                ", \"resultUrl\": null, \"avatarResult\": null, \"result\": null",
                ", \"avatarResult\": [{\"templateId\": \"t\", \"images\": []}]",
                ", \"result\": [{\"name\": \"a\", \"success\": false, \"error\": \"no\"}]")) {
            String id = newId();
            accept(fotor(id, 1, more));
            assertAlert(id, "no_result", null);
            assertThat(results(id)).isEmpty();
        }
    }

    @Test
    void raisesIncompleteForATemplateWithoutAnImage() {
        String whole = "{\"templateId\": \"a\", \"images\": [{\"id\": \"1\", \"url\": \"https://x.example/1\"}]}";
        for (String broken : List.of(
                "{\"templateId\": \"b\", \"images\": []}",
                "{\"templateId\": \"b\", \"images\": null}",
                "{\"templateId\": \"b\"}",
                "{\"templateId\": \"b\", \"images\": [{\"id\": \"2\", \"url\": \"\"}]}",
                "{\"templateId\": \"b\", \"images\": [{\"id\": \"2\"}]}")) {
            String id = newId();
            accept(fotor(id, 1, ", \"avatarResult\": [" + whole + ", " + broken + "]"));
            assertAlert(id, "incomplete", null);
            assertThat(results(id)).as(broken).hasSize(1);
        }
    }

    @Test
    void raisesIncompleteForAFailedPartAndRecordsTheOthers() {
        for (String broken : List.of(
                "{\"name\": \"b\", \"success\": false}",
                "{\"name\": \"b\", \"success\": false, \"error\": null, \"url\": \"\"}",
                "{\"name\": \"b\", \"success\": false, \"error\": \"too dark\"}",
                "{\"name\": \"b\", \"error\": \"too dark\"}")) {
            String id = newId();
            accept(fotor(
                    id,
                    1,
                    ", \"result\": [{\"name\": \"a\", \"success\": true, \"url\": \"https://x.example/a\"}, " + broken
                            + "]"));
            assertAlert(id, "incomplete", null);
            assertThat(results(id)).singleElement().satisfies(result -> assertThat(result)
                    .containsEntry("external_id", "a")
                    .containsEntry("url", "https://x.example/a"));
        }
    }

    @Test
    void raisesNoAlertForCompleteParts() {
        String id = newId();
        accept(
                fotor(
                        id,
                        1,
                        ", \"result\": [{\"name\": \"a\", \"success\": true, \"error\": null, \"url\": \"https://x.example/a\"}]"));
        assertThat(callboard.alerts(id)).isEmpty();
    }

    @Test
    void raisesFlaggedForAFlagAtAnyDepth() {
        for (String more : List.of(
                ", \"hasHsfw\": true",
                ", \"result\": [{\"name\": \"a\", \"success\": true, \"hasHsfw\": true}]",
                ", \"deep\": {\"er\": [{\"hasHsfw\": true}]}")) {
            String id = newId();
            accept(fotor(id, 1, ", \"resultUrl\": \"https://x.example/1\"" + more));
            assertAlert(id, "flagged", null);
        }
        for (String more : List.of("", ", \"hasHsfw\": false", ", \"hasHsfw\": null", ", \"hasHsfw\": \"untrue\"")) {
            String id = newId();
            accept(fotor(id, 1, ", \"resultUrl\": \"https://x.example/1\"" + more));
            assertThat(callboard.alerts(id)).as(more).isEmpty();
        }
    }

    @Test
    void raisesTheFirstOfTwoKindsAndNamesTheOther() {
        String without = newId();
        accept(fotor(without, 1, ", \"hasHsfw\": true"));
        assertAlert(without, "no_result", "flagged");

        String incomplete = newId();
        accept(
                fotor(
                        incomplete,
                        1,
                        ", \"resultUrl\": \"https://x.example/1\", \"hasHsfw\": true, \"avatarResult\": [{\"templateId\": 5}]"));
        assertAlert(incomplete, "incomplete", "flagged");
    }

    @Test
    void recordsTheReasonOfAFlaggedFailure() {
        String id = newId();

        accept(fotor(id, 2, ", \"hasHsfw\": true"));

        assertThat(task(id)).containsEntry("failure_reason", "refused for content");
        assertAlert(id, "failed", null);
        assertThat(TestMails.text(callboard.mailOf(id))).contains("refused for content");
    }

    @Test
    void recordsAnUnknownStatusAndMailsItOnceADay() {
        String first = newId();
        String second = newId();

        accept(fotor(first, 77, ""));
        accept(fotor(second, 77, ""));

        assertThat(task(first)).containsEntry("status", "77").containsEntry("outcome", "unknown");
        assertThat(task(second)).containsEntry("outcome", "unknown");
        assertAlert(first, "unknown", null);
        assertThat(callboard.alerts(second)).isEmpty();
        assertThat(TestMails.text(callboard.mailOf(first))).contains("77");
    }

    @Test
    void mailsEachUnknownStatusOfTheSameTask() {
        String id = newId();
        accept(fotor(id, 1, ", \"resultUrl\": \"https://x.example/1\""));

        accept(fotor(id, 78, ""));
        accept(fotor(id, -79, ""));

        assertThat(task(id)).containsEntry("outcome", "completed");
        assertThat(callboard.alerts(id)).hasSize(2);
    }

    @Test
    void recordsTheRefOfTheUrlUnlessTheCallbackHasABusinessId() {
        for (String without : List.of("", ", \"businessId\": null", ", \"businessId\": \"\"")) {
            String id = newId();
            assertThat(callboard
                            .post("fotor?ref=order-77", fotor(id, 0, without), "ref", "from-a-header")
                            .statusCode())
                    .isEqualTo(200);
            assertThat(task(id)).as(without).containsEntry("business_id", "order-77");
        }
        String id = newId();
        assertThat(callboard
                        .post("fotor?ref=order-77", fotor(id, 0, ", \"businessId\": \"b-1\""))
                        .statusCode())
                .isEqualTo(200);
        assertThat(task(id)).containsEntry("business_id", "b-1");
    }

    @ParameterizedTest
    @CsvSource({
        "s3://img-pub-fotor/out/1.png?a=s3://img-pub-fotor/2, https://pub-static.fotor.com/out/1.png?a=s3://img-pub-fotor/2",
        "s3://img-pub-fotor/${body} %2e, https://pub-static.fotor.com/${body} %2e",
        "s3://img-pub-fotor.example/1.png, s3://img-pub-fotor.example/1.png",
        "s3://img-private/1.png, s3://img-private/1.png",
        "S3://img-pub-fotor/1.png, S3://img-pub-fotor/1.png",
        "https://x.example/?u=s3://img-pub-fotor/1.png, https://x.example/?u=s3://img-pub-fotor/1.png",
    })
    void recordsWhereFotorServesItsBucket(String sent, String recorded) {
        for (String more : List.of(
                ", \"resultUrl\": \"%s\"",
                ", \"avatarResult\": [{\"templateId\": \"t\", \"images\": [{\"id\": \"i\", \"url\": \"%s\"}]}]",
                ", \"result\": [{\"name\": \"n\", \"success\": true, \"url\": \"%s\"}]")) {
            String id = newId();
            String body = fotor(id, 1, more.formatted(sent));
            accept(body);
            assertThat(results(id)).extracting(result -> result.get("url")).containsExactly(recorded);
            assertThat(callboard.task("fotor", id).at("/callbacks/0/payload").asText())
                    .as("as received")
                    .isEqualTo(body);
            assertThat(callboard.alerts(id)).isEmpty();
        }
    }

    @Test
    void takesTheTimeOfATaskThatWasLookedUp() {
        String id = newId();
        accept(fotor(id, 1, ", \"resultUrl\": \"https://x.example/1\", \"updateTime\": 1732588143312"));
        accept(fotor(id, 0, ", \"updateTime\": 1732588068355"));

        JsonNode shown = callboard.task("fotor", id);
        assertThat(shown.at("/task/occurredAt").asText()).isEqualTo("2024-11-26T02:29:03.312Z");
        assertThat(shown.at("/task/outcome").asText()).isEqualTo("completed");
    }

    @Test
    void recordsADuplicateOnce() {
        String body = fotor(newId(), 2, "");
        accept(body);
        Map<String, Object> kept = callboard.kept();

        accept(body);

        assertThat(callboard.kept()).isEqualTo(kept);
    }

    // ---- undocumented values ----

    @Test
    void recordsFieldsOfAnyTypeAndSize() {
        String long10k = "x".repeat(10_000);
        for (String more : List.of(
                ", \"avatarResult\": \"none\"",
                ", \"avatarResult\": 5",
                ", \"avatarResult\": {}",
                ", \"avatarResult\": {\"images\": [{\"url\": \"https://x.example/1\"}]}",
                ", \"avatarResult\": [null, 1, \"a\", [], {}]",
                ", \"avatarResult\": [[{\"images\": []}]]",
                ", \"avatarResult\": [{\"templateId\": {}, \"images\": \"none\"}]",
                ", \"avatarResult\": [{\"images\": 5}, {\"images\": {}}, {\"images\": true}, {\"images\": false}]",
                ", \"avatarResult\": [{\"images\": [null, 1, \"a\", [], {}, {\"url\": 5}, {\"url\": {}}]}]",
                ", \"avatarResult\": [{\"images\": {\"url\": \"https://x.example/1\"}}]",
                ", \"result\": \"none\"",
                ", \"result\": {\"success\": false}",
                ", \"result\": [null, 1, \"a\", [], {\"success\": \"no\", \"error\": {}, \"url\": []}]",
                ", \"resultUrl\": 5",
                ", \"resultUrl\": [\"https://x.example/1\"]",
                ", \"resultUrl\": \"https://x.example/" + long10k + "\"",
                ", \"resultUrl\": \"https://x.example/\\u0000\\ud800\"",
                ", \"updateTime\": 99999999999999999999",
                ", \"updateTime\": -1",
                ", \"updateTime\": {\"a\": 1}",
                ", \"resultUrl\": [\"s3://img-pub-fotor/1\"]",
                ", \"hasHsfw\": [true], \"images\": {\"hasHsfw\": {\"hasHsfw\": 1}}",
                ", \"businessId\": {\"a\": [1]}",
                ", \"businessId\": [1, {}]",
                ", \"businessId\": 12345678901234567890123456789",
                ", \"businessId\": 1e99999",
                ", \"businessId\": \"a\\u0000b\\ud800c\\udc00d\"",
                ", \"businessId\": \"${bean:problem} #{x} {{y}} :?z '; DROP TABLE task; --\"",
                ", \"businessId\": \"" + long10k + "\"",
                ", \"type\": {\"type\": null}",
                ", \"type\": false",
                ", \"type\": \"\\u0000\"",
                ", \"type\": \"" + long10k + "\"",
                ", \"\\u0000\": 1, \"$\": 2, \"\": 3, \"a.b\": 4",
                ", \"provider\": \"creatify\", \"outcome\": \"failed\", \"alert\": \"failed\"")) {
            for (int status = 0; status <= 2; status++) {
                String id = newId();
                HttpResponse<String> answer = callboard.post("fotor", fotor(id, status, more));
                String shown = more.substring(0, Math.min(more.length(), 100));
                assertThat(answer.statusCode()).as(shown).isEqualTo(200);
                assertThat(task(id))
                        .as(shown)
                        .containsEntry(
                                "outcome",
                                List.of("in_progress", "completed", "failed").get(status));
                assertThat(callboard.manage("/tasks/fotor/" + id).statusCode())
                        .as(shown)
                        .isEqualTo(200);
            }
        }
    }

    @Test
    void cutsATextToItsColumnAndReplacesWhatCannotBeStored() {
        String id = newId();

        accept(fotor(id, 0, ", \"businessId\": \"a\\u0000b\\ud800" + "x".repeat(10_000) + "\""));

        assertThat((String) task(id).get("business_id")).hasSize(200).startsWith("a\ufffdb\ufffdxxx");
    }

    @Test
    void raisesTheOtherKindIfTheFirstWasRaisedBefore() {
        String id = newId();
        accept("{\"taskId\": \"" + id + "\", \"status\": 1}");
        accept("{\"taskId\": \"" + id + "\", \"status\": 1, \"hasHsfw\": true}");
        assertThat(callboard.alerts(id))
                .extracting(alert -> alert.get("kind"))
                .containsExactlyInAnyOrder("no_result", "flagged");
    }

    @Test
    void recordsAListWithNullsInPlaceOfAText() {
        String id = newId();
        accept(
                "{\"taskId\": \"" + id + "\", \"status\": 1, \"type\": [null, 2], \"hasHsfw\": null,"
                        + " \"avatarResult\": [{\"templateId\": \"t\", \"images\": [{\"url\": \"https://x.example/1\", \"hasHsfw\": true}]}]}");
        assertThat(callboard.alerts(id)).extracting(alert -> alert.get("kind")).containsExactly("flagged");
    }

    @Test
    void acceptsAStatusWithAFractionOfZero() {
        String id = newId();
        accept("{\"taskId\": \"" + id + "\", \"status\": 1.0, \"resultUrl\": \"https://x.example/1\"}");
        assertThat(task(id)).containsEntry("outcome", "completed").containsEntry("status", "1.0");
    }

    @Test
    void answersAnyNumberWith200Or400() {
        for (String status : List.of("1e400", "1e20", "-1e99999", "1e-99999", "1e999999999", "1" + "0".repeat(900))) {
            assertThat(callboard
                            .post("fotor", "{\"taskId\": \"" + newId() + "\", \"status\": " + status + "}")
                            .statusCode())
                    .as(status)
                    .isIn(200, 400);
        }
    }

    @Test
    void recordsAnyTaskIdOfUpTo200Characters() {
        for (String id : List.of(
                newId() + "x".repeat(168),
                newId() + "\"><script>alert(1)</script>",
                newId() + " ../..?a=b&c=d#e %41",
                newId() + "${body} :?x '",
                newId() + "\ud83d\ude00")) {
            accept("{\"status\": 0, \"taskId\": " + quoted(id) + "}");
            assertThat(task(id)).containsEntry("outcome", "in_progress");
        }
    }

    // ---- invalid requests ----

    @Test
    void answersABodyThatIsNotJsonWith400() {
        String id = newId();
        for (String body : List.of(
                "",
                " ",
                "not JSON",
                "taskId=" + id + "&status=1",
                "{\"taskId\": \"" + id + "\", \"status\": 1",
                "{\"taskId\": \"" + id + "\", \"status\": 1} {}",
                "{\"taskId\": \"" + id + "\", \"status\": 2, \"status\": 1}",
                "{\"taskId\": \"" + id + "\", \"status\": 1, \"result\": " + "[".repeat(5000) + "]".repeat(5000) + "}",
                "[" + fotor(id, 1, "") + "]",
                "null",
                "1")) {
            assertInvalid(body, "");
        }
    }

    @Test
    void answersACallbackWithoutAValidTaskIdOrStatusWith400() {
        String id = newId();
        assertInvalid("{}", "/taskId");
        assertInvalid("{\"status\": 1}", "/taskId");
        for (String taskId : List.of(
                "null",
                "5",
                "true",
                "{}",
                "[\"" + id + "\"]",
                "\"\"",
                "\" \"",
                "\"" + "x".repeat(201) + "\"",
                "\"" + id + "\\u0000\"",
                "\"" + id + "\\ud800\"",
                "\"" + id + "\\r\\nBcc: evil@example.org\"")) {
            assertInvalid("{\"status\": 1, \"taskId\": " + taskId + "}", "/taskId");
        }
        assertInvalid("{\"taskId\": \"" + id + "\"}", "/status");
        for (String status :
                List.of("null", "\"1\"", "\"01\"", "true", "[1]", "{}", "1.5", "99999999999", "-99999999999")) {
            assertInvalid("{\"taskId\": \"" + id + "\", \"status\": " + status + "}", "/status");
        }
    }

    @Test
    void answersAnotherPathMethodTypeOrSizeWithItsStatusCode() {
        Map<String, Object> kept = callboard.kept();
        String body = fotor(newId(), 2, "");
        assertThat(callboard.post("unknown", body).statusCode()).isEqualTo(404);
        for (String method : List.of("PUT", "DELETE", "PATCH")) {
            assertThat(send(method, "application/json", body)).as(method).isEqualTo(405);
        }
        for (String type : List.of("text/plain", "application/xml", "application/x-www-form-urlencoded")) {
            assertThat(send("POST", type, body)).as(type).isEqualTo(415);
        }
        assertThat(callboard
                        .post("fotor", fotor(newId(), 2, ", \"a\": \"" + "x".repeat(1_048_576) + "\""))
                        .statusCode())
                .isEqualTo(413);
        assertThat(callboard.kept()).isEqualTo(kept);
    }

    @Test
    void recordsABodyJustBelowTheLimit() {
        String id = newId();
        accept(fotor(id, 0, ", \"a\": \"" + "x".repeat(1_048_000) + "\""));
        assertThat(task(id)).containsEntry("outcome", "in_progress");
    }

    @Test
    void returnsNothingThatTheCallerSent() {
        HttpResponse<String> answer = callboard.post(
                "fotor?CamelHttpResponseCode=500&To=evil@example.org", fotor(newId(), 0, ""), "X-Mine", "echo");
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().map().toString()).doesNotContain("echo", "evil");
    }

    // ---- the management API ----

    @Test
    void answersAnUnknownTaskWith404() {
        for (String path : List.of(
                "fotor/" + newId(),
                "unknown/1",
                "fotor/%27",
                "fotor/%00",
                "fotor/a%0A%00b",
                "%00/1",
                "fotor/" + "x".repeat(300))) {
            assertThat(callboard.manage("/tasks/" + path).statusCode()).as(path).isEqualTo(404);
        }
    }

    @Test
    void showsTasksOnTheManagementPortOnly() {
        assertThat(TestCallboard.send(
                                HttpRequest.newBuilder(callboard.url("/tasks")).build())
                        .statusCode())
                .isEqualTo(404);
        assertThat(TestCallboard.send(HttpRequest.newBuilder(callboard.url("/observe/health"))
                                .build())
                        .statusCode())
                .isEqualTo(404);
    }

    // ---- helpers ----

    private static void accept(String body) {
        HttpResponse<String> answer = callboard.post("fotor", body);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).isEmpty();
    }

    private static void assertInvalid(String body, String field) {
        Map<String, Object> kept = callboard.kept();
        HttpResponse<String> answer = callboard.post("fotor", body);
        String shown = body.substring(0, Math.min(body.length(), 100));
        assertThat(answer.statusCode()).as(shown).isEqualTo(400);
        assertThat(answer.headers().firstValue("Content-Type")).as(shown).hasValue("application/problem+json");
        try {
            JsonNode problem = JSON.readTree(answer.body());
            assertThat(problem.get("status").asInt()).isEqualTo(400);
            assertThat(problem.at("/errors").findValuesAsText("field"))
                    .as(shown)
                    .contains(field);
            assertThat(problem.at("/errors").findValuesAsText("expected"))
                    .as(shown)
                    .doesNotContain("");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        assertThat(callboard.kept()).as(shown).isEqualTo(kept);
    }

    private static void assertAlert(String id, String kind, String also) {
        assertThat(callboard.alerts(id)).singleElement().satisfies(alert -> assertThat(alert)
                .containsEntry("kind", kind)
                .containsEntry("other_kinds", also));
    }

    private static int send(String method, String type, String body) {
        return TestCallboard.send(HttpRequest.newBuilder(callboard.url("/callbacks/fotor"))
                        .header("Content-Type", type)
                        .method(method, HttpRequest.BodyPublishers.ofString(body))
                        .build())
                .statusCode();
    }

    private static String newId() {
        return UUID.randomUUID().toString().replace("-", "");
    }

    private static String fotor(String id, int status, String more) {
        return "{\"taskId\": \"" + id + "\", \"status\": " + status + more + "}";
    }

    private static String quoted(String text) {
        return JSON.valueToTree(text).toString();
    }

    private static Map<String, Object> task(String id) {
        List<Map<String, Object>> tasks = callboard.rows("SELECT * FROM task WHERE task_id = ?", id);
        assertThat(tasks).hasSize(1);
        return tasks.get(0);
    }

    private static List<Map<String, Object>> results(String id) {
        return callboard.rows("SELECT * FROM result WHERE task_id = ?", id);
    }
}
