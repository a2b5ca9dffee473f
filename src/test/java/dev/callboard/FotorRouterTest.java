package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.LIST;
import static org.assertj.core.api.InstanceOfAssertFactories.MAP;

import dev.callboard.testkit.RouterTest;
import org.apache.camel.Exchange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The router of {@code routes/fotor.camel.yaml}, as an example to copy for a provider of your own. */
class FotorRouterTest extends RouterTest {
    FotorRouterTest() {
        super("fotor");
    }

    @ParameterizedTest(name = "status {0} is {1}")
    @CsvSource({"0, in_progress,", "1, completed, no_result", "2, failed, failed", "3, unknown, unknown"})
    void mapsEachStatusToAnOutcome(int status, String outcome, String alert) throws Exception {
        Exchange recorded = route("{\"taskId\": \"t-1\", \"status\": " + status + "}");

        assertThat(recorded.getVariable("taskId")).isEqualTo("t-1");
        assertThat(recorded.getVariable("outcome")).isEqualTo(outcome);
        assertThat(recorded.getVariable("alert")).isEqualTo(alert);
    }

    @Test
    void listsTheFilesOfACallback() throws Exception {
        Exchange recorded = route(
                """
                {"taskId": "t-1", "status": 1, "type": "videoEnhancer", "businessId": "order-77",
                 "resultUrl": "https://files.example.com/1.mp4"}""");

        assertThat(recorded.getVariable("businessId")).isEqualTo("order-77");
        assertThat(recorded.getVariable("results"))
                .asInstanceOf(LIST)
                .singleElement(MAP)
                .containsEntry("kind", "video")
                .containsEntry("url", "https://files.example.com/1.mp4");
        assertThat(recorded.getVariable("alert")).isNull();
    }
}
