package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.callboard.testkit.OnEachDatabase;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.TestMails;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Callbacks of Creatify: the answer, the rows and the mail. Each test has a task of its own. */
final class CreatifyTest extends OnEachDatabase {
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
        "failed, failed, failed",
        "rejected, unknown, unknown"
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
