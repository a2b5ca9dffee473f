package dev.callboard.provider;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.SimulatedFotor;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.Waiting;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What is told of tasks whose provider can't be asked: Fotor refuses the key, and there is none for Creatify. */
final class NoLookupTest {
    private static final String WRONG_KEY = "a-wrong-key-0123456789";

    private static SimulatedFotor fotor;
    private static TestCallboard callboard;

    @BeforeAll
    static void start() {
        fotor = new SimulatedFotor();
        callboard = TestCallboard.start(
                Backend.H2,
                Map.of(
                        "callboard.fotor.api-url", fotor.url(),
                        "callboard.fotor.api-key", WRONG_KEY,
                        "callboard.fotor.lookup-after", "1s",
                        "callboard.fotor.overdue-after", "4s",
                        "callboard.creatify.overdue-after", "2s"));
    }

    @AfterAll
    static void stop() {
        callboard.close();
        fotor.close();
    }

    @Test
    void tellsOnceThatAKeyIsRefusedAndAsksNoMore() {
        String id = fotor.start("avatar").id();
        fotor.progress(id);
        assertThat(callboard.post("fotor", fotor.callback(id)).statusCode()).isEqualTo(200);
        Waiting.soon().until(() -> !alerts("lookup_refused").isEmpty());
        int asked = fotor.requests().total();
        Waiting.soon().until(() -> !callboard.alerts(id).isEmpty());

        assertThat(callboard.alerts(id)).extracting("kind").containsExactly("overdue");
        assertThat(callboard.alerts(id).get(0).get("detail"))
                .isEqualTo("the provider was not asked: it refuses the API key");
        assertThat(alerts("lookup_refused")).hasSize(1);
        assertThat(alerts("lookup_refused").get(0).toString()).doesNotContain(WRONG_KEY);
        assertThat(fotor.requests().total()).isEqualTo(asked);
        assertThat(callboard.manage("/observe/health").body())
                .contains("DOWN", "the tasks of fotor are not looked up: HTTP 401")
                .doesNotContain("creatify");
        assertThat(callboard.manage("/observe/health/ready").statusCode()).isEqualTo(200);
    }

    @Test
    void tellsThatATaskIsOverdueWithoutAKey() {
        assertThat(callboard
                        .post("creatify?family=lipsyncs", "{\"id\":\"silent\",\"status\":\"running\"}")
                        .statusCode())
                .isEqualTo(200);
        Waiting.soon().until(() -> !callboard.alerts("silent").isEmpty());

        assertThat(callboard.alerts("silent")).hasSize(1).first().satisfies(alert -> assertThat(alert)
                .containsEntry("kind", "overdue")
                .containsEntry("detail", "the provider was not asked: callboard.creatify.api-key is not set"));
        assertThat(callboard.manage("/observe/metrics").body())
                .contains("callboard_tasks_open{provider=\"creatify\"}")
                .contains("callboard_lookups_total{provider=\"fotor\",result=\"refused\"} 1.0");
    }

    private static List<Map<String, Object>> alerts(String kind) {
        return callboard.rows("SELECT * FROM alert WHERE kind = ?", kind);
    }
}
