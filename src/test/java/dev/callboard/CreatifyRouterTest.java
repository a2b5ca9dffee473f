package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.MAP;
import static org.assertj.core.api.InstanceOfAssertFactories.list;

import dev.callboard.testkit.RouterTest;
import java.util.Map;
import org.apache.camel.Exchange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The router of {@code routes/creatify.camel.yaml}, as an example to copy for a provider of your own. */
class CreatifyRouterTest extends RouterTest {
    CreatifyRouterTest() {
        super("creatify");
    }

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({
        "initializing, in_progress,",
        "image_generating, in_progress,",
        "video_generating, in_progress,",
        "image_generated, completed, no_result",
        "video_generated, completed, no_result",
        "failed, failed, failed",
        "rejected, unknown, unknown"
    })
    void mapsEachStatusToAnOutcome(String status, String outcome, String alert) throws Exception {
        Exchange recorded = route("{\"id\": \"t-1\", \"status\": \"" + status + "\"}");

        assertThat(recorded.getVariable("taskId")).isEqualTo("t-1");
        assertThat(recorded.getVariable("outcome")).isEqualTo(outcome);
        assertThat(recorded.getVariable("alert")).isEqualTo(alert);
    }

    @Test
    void listsTheFilesOfACallback() throws Exception {
        Exchange recorded = route(
                """
                {"id": "t-1", "status": "video_generated", "updated_at": "2025-05-30T04:11:05.751592-07:00",
                 "generated_photo_url": "https://files.example.com/1.png",
                 "generated_video_url": "https://files.example.com/1.mp4"}""");

        assertThat(recorded.getVariable("occurredAt")).isEqualTo("2025-05-30T04:11:05.751592-07:00");
        assertThat(recorded.getVariable("results"))
                .asInstanceOf(list(Map.class))
                .extracting(file -> file.get("kind"))
                .containsExactly("image", "video");
        assertThat(recorded.getVariable("alert")).isNull();
    }

    @Test
    void listsTheDetailsOfAFailedTask() throws Exception {
        Exchange recorded = route(
                """
                {"id": "t-1", "status": "failed", "failed_reason": "No credits", "video_prompt": "slow push in",
                 "generated_photo_url": "https://files.example.com/1.png"}""");

        assertThat(recorded.getVariable("failureReason")).isEqualTo("No credits");
        assertThat(recorded.getVariable("details"))
                .asInstanceOf(MAP)
                .containsEntry("Video prompt", "slow push in")
                .containsEntry("Image exists", "yes");
    }
}
