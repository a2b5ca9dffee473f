package dev.callboard.provider;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Fault;
import dev.callboard.testkit.Waiting;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** What a missing callback leads to, against simulated providers. */
@ParameterizedClass
@EnumSource(Backend.class)
final class ReconcilerTest extends SimulatedProviders {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Parameter
    Backend backend;

    @BeforeParameterizedClassInvocation
    static void startOn(Backend backend) {
        start(backend);
    }

    @AfterParameterizedClassInvocation
    static void end() {
        stop();
    }

    // ---- lost callbacks ----

    @Test
    void findsWhatALostCallbackWouldHaveSaid() {
        String done = started("videoEnhancer");
        String failed = started("videoEnhancer");
        fotor.complete(done, "s3://img-pub-fotor/a/b.mp4");
        fotor.refuse(failed);

        awaitOutcome("fotor", done, "completed");
        awaitOutcome("fotor", failed, "failed");

        JsonNode task = callboard.task("fotor", done);
        assertThat(task.at("/results/0/url").asText()).isEqualTo("https://pub-static.fotor.com/a/b.mp4");
        assertThat(task.at("/callbacks/0/origin").asText()).isEqualTo("lookup");
        assertThat(callboard.task("fotor", failed).at("/task/failureReason").asText())
                .isEqualTo("refused for content");
        assertThat(callboard.alerts(done)).extracting("kind").containsExactly("missed");
        assertThat(callboard.alerts(failed)).extracting("kind").containsExactlyInAnyOrder("failed", "missed");
        assertThat(openRows(done)).isEmpty();
    }

    @Test
    void findsTheTasksOfAFamilyInOneRequest() {
        List<String> ids = List.of(startedAtCreatify("lipsyncs"), startedAtCreatify("lipsyncs"));
        String other = startedAtCreatify("asset_generator");
        int before = creatify.requests().total();
        ids.forEach(id -> creatify.complete(id, "https://cdn.creatify.ai/" + id + ".mp4"));
        creatify.fail(other, "no credits");

        ids.forEach(id -> awaitOutcome("creatify", id, "completed"));
        awaitOutcome("creatify", other, "failed");

        assertThat(callboard.task("creatify", other).at("/task/failureReason").asText())
                .isEqualTo("no credits");
        assertThat(creatify.requests().total() - before).isLessThan(12);
        assertThat(creatify.requests().byPath().keySet())
                .anyMatch(path -> path.contains("/api/lipsyncs/"))
                .anyMatch(path -> path.contains("/api/asset_generator/"));
    }

    @Test
    void storesNothingOfAnAnswerThatSaysNothingNew() {
        String id = started("videoEnhancer");
        int before = asked(id);
        Waiting.soon().until(() -> asked(id) >= before + 2);

        assertThat(callboard.rows("SELECT * FROM callback WHERE task_id = ?", id))
                .hasSize(1);
        assertThat(openRows(id).get(0).get("last_answer")).isEqualTo("the provider answers: status 0");
    }

    @Test
    void doesNotUndoACallbackThatOvertakesTheLookUp() throws Exception {
        String id = started("videoEnhancer");
        var permitted = new java.util.concurrent.CompletableFuture<Void>();
        fotor.misbehaveFor(id, Fault.until(permitted));
        int before = asked(id);
        Waiting.soon().until(() -> asked(id) > before);
        fotor.complete(id, "https://pub-static.fotor.com/x.mp4");
        assertThat(callboard.post("fotor", fotor.callback(id)).statusCode()).isEqualTo(200);
        permitted.complete(null);
        Waiting.soon().until(() -> openRows(id).isEmpty());

        assertThat(callboard.task("fotor", id).at("/task/outcome").asText()).isEqualTo("completed");
        assertThat(callboard.alerts(id)).isEmpty();
    }

    @Test
    void asksAboutACallbackThatIsInvalidButNamesItsTask() {
        String id = fotor.start("videoEnhancer").id();
        fotor.complete(id, "https://pub-static.fotor.com/v.mp4");
        assertThat(callboard
                        .post("fotor", "{\"taskId\":\"" + id + "\",\"status\":\"done\"}")
                        .statusCode())
                .isEqualTo(400);

        awaitOutcome("fotor", id, "completed");
    }

    @Test
    void asksAboutACallbackThatTheDatabaseDidNotTakeThoughItsTaskWasOver() throws Exception {
        String id = creatify.start("product_to_videos").id();
        creatify.complete(id, "https://cdn.creatify.ai/photo.png");
        assertThat(callboard.post("creatify", creatify.callback(id)).statusCode())
                .isEqualTo(200);
        creatify.progress(id);
        try (Connection other = callboard.connect();
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("SELECT * FROM task WHERE task_id = '" + id + "' FOR UPDATE");
            assertThat(callboard.post("creatify", creatify.callback(id)).statusCode())
                    .isEqualTo(503);
            other.rollback();
        }

        awaitOutcome("creatify", id, "in_progress");
        assertThat(openRows(id).get(0).get("overdue_at")).isNotNull();
    }

    @Test
    void waitsForTheVideoThatWasOrderedWithAnImage() {
        String id = creatify.start("product_to_videos").id();
        assertThat(announce("creatify", id, "{\"expects\":\"video\",\"businessId\":\"order-7\"}")
                        .statusCode())
                .isEqualTo(201);
        assertThat(callboard.task("creatify", id).at("/task/outcome").asText()).isEqualTo("expected");
        creatify.complete(id, "https://cdn.creatify.ai/photo.png");
        assertThat(callboard.post("creatify", creatify.callback(id)).statusCode())
                .isEqualTo(200);
        assertThat(callboard.task("creatify", id).at("/task/outcome").asText()).isEqualTo("completed");
        assertThat(openRows(id)).hasSize(1);

        assertThat(callboard.alerts(id)).isEmpty();
        double missed = missed("creatify");
        creatify.complete(id, "https://cdn.creatify.ai/photo.png", "https://cdn.creatify.ai/video.mp4");
        Waiting.soon().until(() -> openRows(id).isEmpty());

        assertThat(callboard.task("creatify", id).at("/task/status").asText()).isEqualTo("video_generated");
        assertThat(callboard.rows("SELECT kind FROM result WHERE task_id = ? ORDER BY kind", id))
                .extracting(row -> row.get("kind"))
                .containsExactly("image", "video");
        assertThat(callboard.alerts(id)).extracting("kind").containsExactly("missed");
        assertThat(missed("creatify")).isEqualTo(missed + 1);
    }

    private static double missed(String provider) {
        return callboard.metric("callboard_missed_total{provider=\"" + provider + "\"}");
    }

    // ---- overdue ----

    @Test
    void asksOnceMoreBeforeItTellsThatATaskIsOverdue() {
        String id = started("videoEnhancer");
        int before = asked(id);
        update("UPDATE open_task SET overdue_at = TIMESTAMP WITH TIME ZONE '2026-01-01 00:00:00Z', next_lookup_at ="
                + " TIMESTAMP WITH TIME ZONE '2099-01-01 00:00:00Z' WHERE task_id = '" + id + "'");
        Waiting.soon().until(() -> !callboard.alerts(id).isEmpty());

        assertThat(asked(id)).isGreaterThan(before);
        assertThat(callboard.alerts(id)).hasSize(1).first().satisfies(alert -> assertThat(alert)
                .containsEntry("kind", "overdue")
                .containsEntry("detail", "the provider answers: status 0"));
        assertThat(openRows(id).get(0).get("overdue_at")).isNull();
    }

    // ---- by hand ----

    @Test
    void looksATaskUpByHand() throws Exception {
        String id = started("videoEnhancer");
        fotor.complete(id, "https://pub-static.fotor.com/z.mp4");

        JsonNode changed = JSON.readTree(lookUp("fotor", id).body());
        assertThat(changed.at("/before/outcome").asText()).isEqualTo("in_progress");
        assertThat(changed.at("/after/outcome").asText()).isEqualTo("completed");
        assertThat(changed.at("/result").asText()).isEqualTo("changed");

        JsonNode again = JSON.readTree(lookUp("fotor", id).body());
        assertThat(again.at("/result").asText()).isEqualTo("unchanged");
        assertThat(lookUp("fotor", "no-such-task").statusCode()).isEqualTo(404);
        assertThat(lookUp("nobody", id).statusCode()).isEqualTo(404);
    }
}
