package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.OnEachDatabase;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.TestMails;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Callbacks of Creatify: the answer, the rows and the mail. Each test has a task of its own. */
final class CreatifyTest extends OnEachDatabase {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String TASK = "8f14e45f-ceea-467f-a8d3-0d2c1d3f9b10";

    @Test
    void recordsTheImageAndTheVideoOfATask() {
        String task = newTask();
        post(task, "creatify-image-generating");
        assertThat(task(task).at("/task/outcome").asText()).isEqualTo("in_progress");
        post(task, "creatify-image-generated");
        assertThat(task(task).at("/task/outcome").asText()).isEqualTo("completed");
        post(task, "creatify-video-generating");
        assertThat(task(task).at("/task/outcome").asText()).isEqualTo("in_progress");
        post(task, "creatify-video-generated");

        JsonNode found = task(task);
        assertThat(found.at("/task/status").asText()).isEqualTo("video_generated");
        assertThat(found.at("/task/outcome").asText()).isEqualTo("completed");
        assertThat(found.at("/task/taskType").asText()).isEqualTo("product_anyshot");
        assertThat(found.at("/task/occurredAt").asText()).isEqualTo("2025-05-30T11:14:41.900Z");
        assertThat(found.at("/results").findValuesAsText("kind")).containsExactlyInAnyOrder("image", "video");
        assertThat(found.at("/results").findValuesAsText("url"))
                .containsExactlyInAnyOrder("https://cdn.example.com/out/42.png", "https://cdn.example.com/out/42.mp4");
        assertThat(found.at("/callbacks")).hasSize(4);
        assertThat(alerts(task)).isEmpty();
    }

    @Test
    void appliesCallbacksInTheOrderOfTheProvidersTime() {
        String task = newTask();
        for (String name : List.of(
                "creatify-video-generated",
                "creatify-image-generating",
                "creatify-video-generating",
                "creatify-image-generated")) {
            post(task, name);
        }
        JsonNode found = task(task);
        assertThat(found.at("/task/status").asText()).isEqualTo("video_generated");
        assertThat(found.at("/callbacks")).hasSize(4);
    }

    @Test
    void recordsTheSourceTaskOfARegeneration() {
        String task = newTask();
        String body =
                TestCallboard.payload("creatify-regen-failed").replace("c9f0f895-fb98-4ab9-9f51-1f2c5f0a7d11", task);
        assertThat(callboard.post("creatify", body).statusCode()).isEqualTo(200);

        JsonNode found = task(task);
        assertThat(found.at("/task/sourceTaskId").asText()).isEqualTo(TASK);
        assertThat(found.at("/task/regenType").asText()).isEqualTo("regen_image");
        assertThat(found.at("/task/taskType").asText()).isEqualTo("product_avatar");
        assertThat(found.at("/task/failureReason").asText()).isEqualTo("Insufficient credits");
    }

    @Test
    void mailsAFailureWithTheDetailsOfTheRequest() throws Exception {
        String task = newTask();
        post(task, "creatify-video-failed");

        assertThat(task(task).at("/task/outcome").asText()).isEqualTo("failed");
        await().atMost(Duration.ofSeconds(40))
                .untilAsserted(() -> assertThat(texts()).anySatisfy(text -> assertThat(text)
                        .contains(
                                task,
                                "The video model refused the prompt: <b>logo</b> & \"brand\" detected",
                                "https://shop.example.com/p/42",
                                "a mug on a wooden table, morning light",
                                "slow push in",
                                "9x16")
                        .containsPattern("Image exists:? +yes")));
    }

    @ParameterizedTest
    @CsvSource({
        "initializing, in_progress,",
        "image_generating, in_progress,",
        "video_generating, in_progress,",
        "image_generated, completed, no_result",
        "video_generated, completed, no_result",
        "pending, in_progress,",
        "in_queue, in_progress,",
        "running, in_progress,",
        "generating, in_progress,",
        "done, completed, no_result",
        "failed, failed, failed",
        "rejected, failed, failed",
        "paused, unknown, unknown"
    })
    void mapsEachStatusToAnOutcome(String status, String outcome, String alert) {
        String task = newTask();
        String body = "{\"id\": \"" + task + "\", \"status\": \"" + status + "\"}";
        assertThat(callboard.post("creatify", body).statusCode()).isEqualTo(200);
        assertThat(task(task).at("/task/outcome").asText()).isEqualTo(outcome);
        assertThat(alerts(task)).isEqualTo(alert == null ? List.of() : List.of(alert));
    }

    @Test
    void raisesNoResultIfTheVideoIsMissing() {
        String task = newTask();
        String body = TestCallboard.payload("creatify-video-generated")
                .replace(TASK, task)
                .replace("\"https://cdn.example.com/out/42.mp4\"", "null");
        assertThat(callboard.post("creatify", body).statusCode()).isEqualTo(200);
        assertThat(alerts(task)).containsExactly("no_result");
    }

    @ParameterizedTest
    @CsvSource({
        "?ref=order-77, order-77",
        "?token=x&ref=a.b_c~d, a.b_c~d",
        "?ref=a%20b,",
        "?ref=a&ref=b,",
        "?ref=,",
        "?REF=x,"
    })
    void recordsTheRefOfTheUrlAsBusinessId(String query, String businessId) {
        String task = newTask();
        String body = "{\"id\": \"" + task + "\", \"status\": \"initializing\"}";
        assertThat(callboard
                        .post("creatify" + query, body, "ref", "from-a-header")
                        .statusCode())
                .isEqualTo(200);
        assertThat(task(task).at("/task/businessId").textValue()).isEqualTo(businessId);
    }

    @ParameterizedTest(name = "{0} of {1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "link-to-videos-previews | link_to_videos       | in_progress | video preview-1.mp4, video preview-2",
                "link-to-videos-done     | link_to_videos       | completed   | 'video ad.mp4?sig=a.png,b'",
                "link-to-videos-lookup   | link_to_videos       | completed   | video ad.mp4, video ad-2, video preview-1.mp4",
                "lipsyncs-done           | lipsyncs             | completed   | video speaker",
                "lipsyncs-done           | lipsyncs_v2          | completed   | video speaker",
                "text-to-speech-done     | text_to_speech       | completed   | audio voice",
                "link-to-videos-done     | aurora               | completed   | 'video ad.mp4?sig=a.png,b'",
                "link-to-videos-done     | ai_shorts            | completed   | 'video ad.mp4?sig=a.png,b'",
                "link-to-videos-done     | ads_clone            | completed   | 'video ad.mp4?sig=a.png,b'",
                "custom-template-done    | custom_template_jobs | completed   | video promo.MOV",
                "asset-generator-done    | asset_generator      | completed   | image 1.webp, file 2",
                "asset-generator-text    | asset_generator      | completed   | audio 1.wav",
                "iab-images-done         | iab_images           | completed   | image 300x250, image 728x90.jpg",
                "inspiration-done        | inspiration_jobs     | completed   | file idea",
            })
    void recordsTheFilesOfEachFamily(String payload, String family, String outcome, String files) {
        String task = newTask();
        String body = TestCallboard.payload("creatify-" + payload).replace(TASK, task);
        assertThat(callboard.post("creatify?family=" + family, body).statusCode())
                .isEqualTo(200);

        JsonNode found = task(task);
        assertThat(found.at("/task/family").asText()).isEqualTo(family);
        assertThat(found.at("/task/outcome").asText()).isEqualTo(outcome);
        assertThat(found.at("/results"))
                .extracting(file -> file.get("kind").asText() + " "
                        + file.get("url").asText().replace("https://cdn.example.com/out/", ""))
                .containsExactlyInAnyOrder(files.split(", "));
        assertThat(alerts(task)).isEmpty();
    }

    @Test
    void recordsThePreviewsOfALinkWithTheirStyles() {
        String task = newTask();
        String body = TestCallboard.payload("creatify-link-to-videos-previews").replace(TASK, task);
        assertThat(callboard.post("creatify?family=link_to_videos", body).statusCode())
                .isEqualTo(200);

        assertThat(task(task).at("/results"))
                .extracting(file -> file.get("externalId").asText() + " "
                        + file.get("templateId").asText())
                .containsExactlyInAnyOrder("m-1 FullScreenTemplate", "m-2 VlogTemplate");
    }

    @Test
    void mailsARejectedTaskWithItsFamily() throws Exception {
        String task = newTask();
        String body = TestCallboard.payload("creatify-aurora-rejected").replace(TASK, task);
        assertThat(callboard.post("creatify?family=aurora", body).statusCode()).isEqualTo(200);

        assertThat(task(task).at("/task/outcome").asText()).isEqualTo("failed");
        assertThat(TestMails.text(callboard.mailOf(task)))
                .contains("The image shows a person of public interest")
                .as("without the details of product_to_videos")
                .containsPattern("Family: +aurora\\s+When:");
    }

    @Test
    void keepsTheFamilyIfALaterCallbackOmitsIt() throws Exception {
        String task = newTask();
        String body = "{\"id\": \"" + task + "\", \"status\": \"";
        callboard.post("creatify?family=text_to_speech&ref=order-77", body + "running\"}");
        callboard.post("creatify", body + "done\", \"output\": \"https://x.example/1\"}");

        assertThat(task(task).at("/task/family").asText()).isEqualTo("text_to_speech");
        assertThat(task(task).at("/task/businessId").asText()).isEqualTo("order-77");
        assertThat(JSON.readTree(callboard
                                .manage("/tasks?provider=creatify&taskIdPrefix=" + task)
                                .body())
                        .at("/0/family")
                        .asText())
                .isEqualTo("text_to_speech");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "?family=lipsyncs           |",
                "?token=x&family=lipsyncs   |",
                "?family=toString           | the URL must have it once, as 1 to 50 of the characters a-z 0-9 _",
                "?family=lipsyncs%0a        | the URL must have it once",
                "?family=aurora&family=aurora | the URL must have it once",
                "?family=lipsynch           | Creatify has no such family; correct the callback URL",
            })
    void dropsAFamilyThatCreatifyDoesNotHave(String query, String reason) {
        String task = newTask();
        try (Logged log = new Logged()) {
            String body = "{\"id\": \"" + task + "\", \"status\": \"done\", \"output\": \"https://x.example/1\"}";
            assertThat(callboard
                            .post("creatify" + query, body, "family", "aurora")
                            .statusCode())
                    .isEqualTo(200);
            assertThat(task(task).at("/task/family").textValue()).isEqualTo(reason == null ? "lipsyncs" : null);
            assertThat(task(task).at("/task/outcome").asText()).isEqualTo("completed");
            if (reason == null) {
                assertThat(log.lines("dropped family")).isEmpty();
            } else {
                assertThat(log.lines("dropped family"))
                        .singleElement()
                        .asString()
                        .startsWith("WARN dropped family provider=creatify client=127.0.0.1 ")
                        .contains(reason);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'type': 5",
                "'type': true, 'generated_photo_url': 5, 'generated_video_url': {'a': [1]}",
                "'type': {'type': null}, 'product_url': [1], 'failed_reason': {}, 'regen_type': 5",
                "'type': ['product_anyshot'], 'updated_at': 5",
                "'updated_at': {'a': 1}, 'output': 5, 'outputs': 'x', 'assets': 1.5, 'video_output': true",
                "'output': [null, 5, true, [], [[1]], {}, {'url': null}, {'url': {'url': 'x'}}], 'previews': 5",
                "'outputs': {'a': 'x', 'b': [1]}, 'assets': {}, 'previews': {'url': 'x'}",
                "'previews': [null, 1, 'a', [], {}, {'url': 5}, {'url': {}}, {'url': 'x', 'media_job': {}}]",
                "'output': '', 'assets': '  ', 'outputs': [''], 'video_output': '\\u0000\\ud800'",
                "'output': '${bean:problem} #{x} {{y}} :?z', 'type': '${body}', 'previews': '${body}'",
                "'family': 'aurora', 'kind': 'x', 'results': 5, 'files': 'x', 'images': 'x', 'url': 'x'",
            })
    void recordsFieldsOfAnyType(String fields) {
        for (String family : List.of("", "?family=iab_images", "?family=product_to_videos")) {
            for (String status : List.of("pending", "done", "image_generated", "video_generated", "failed")) {
                String task = newTask();
                String body = "{'id': '" + task + "', 'status': '" + status + "', " + fields + "}";
                assertThat(callboard
                                .post("creatify" + family, body.replace('\'', '"'))
                                .statusCode())
                        .as("%s %s", family, status)
                        .isEqualTo(200);
                assertThat(task(task).at("/task/outcome").asText())
                        .isEqualTo(
                                status.equals("pending")
                                        ? "in_progress"
                                        : status.equals("failed") ? "failed" : "completed");
            }
        }
    }

    private static String newTask() {
        return UUID.randomUUID().toString();
    }

    private static void post(String task, String name) {
        assertThat(callboard
                        .post("creatify", TestCallboard.payload(name).replace(TASK, task))
                        .statusCode())
                .isEqualTo(200);
    }

    private static JsonNode task(String task) {
        return callboard.task("creatify", task);
    }

    private static List<Object> alerts(String task) {
        return callboard.rows("SELECT kind FROM alert WHERE task_id = ?", task).stream()
                .map(row -> row.get("kind"))
                .toList();
    }

    private static List<String> texts() {
        return callboard.mails().stream().map(TestMails::text).toList();
    }
}
