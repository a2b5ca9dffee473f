package dev.callboard.provider;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.SimulatedCreatify;
import dev.callboard.testkit.SimulatedFotor;
import dev.callboard.testkit.SimulatedTask;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.Waiting;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;

/** Tests of one Callboard that looks tasks up at simulated providers. */
abstract class SimulatedProviders {
    static SimulatedFotor fotor;
    static SimulatedCreatify creatify;
    static TestCallboard callboard;

    static void start(Backend backend) {
        fotor = new SimulatedFotor();
        creatify = new SimulatedCreatify();
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("callboard.fotor.api-url", fotor.url());
        settings.put("callboard.fotor.api-key", SimulatedFotor.KEY);
        settings.put("callboard.fotor.lookups-per-second", "50");
        settings.put("callboard.fotor.lookup-after", "1s");
        settings.put("callboard.creatify.api-url", creatify.url());
        settings.put("callboard.creatify.api-id", SimulatedCreatify.API_ID);
        settings.put("callboard.creatify.api-key", SimulatedCreatify.API_KEY);
        settings.put("callboard.creatify.lookup-after", "1s");
        callboard = TestCallboard.start(backend, settings);
    }

    static void stop() {
        callboard.close();
        fotor.close();
        creatify.close();
    }

    @AfterEach
    void behave() {
        fotor.behave();
        creatify.behave();
    }

    static HttpResponse<String> announce(String provider, String id, String json) {
        return TestCallboard.send(HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + callboard.managementPort + "/tasks/" + provider + "/" + id))
                .header("Content-Type", "application/json")
                .PUT(HttpRequest.BodyPublishers.ofString(json))
                .build());
    }

    static HttpResponse<String> lookUp(String provider, String id) {
        return lookUp(callboard, provider, id);
    }

    static HttpResponse<String> lookUp(TestCallboard callboard, String provider, String id) {
        return TestCallboard.send(HttpRequest.newBuilder(URI.create(
                        "http://127.0.0.1:" + callboard.managementPort + "/tasks/" + provider + "/" + id + "/lookup"))
                .POST(HttpRequest.BodyPublishers.noBody())
                .build());
    }

    /** A task that Fotor has said to be in progress. */
    static String started(String type) {
        SimulatedTask task = fotor.start(type);
        fotor.progress(task.id());
        assertThat(callboard.post("fotor", fotor.callback(task.id())).statusCode())
                .isEqualTo(200);
        return task.id();
    }

    static String startedAtCreatify(String family) {
        SimulatedTask task = creatify.start(family);
        creatify.progress(task.id());
        assertThat(callboard
                        .post("creatify?family=" + family, creatify.callback(task.id()))
                        .statusCode())
                .isEqualTo(200);
        return task.id();
    }

    static int asked(String id) {
        return fotor.requests().byTask().getOrDefault(id, 0);
    }

    static List<Map<String, Object>> openRows(String id) {
        return callboard.rows("SELECT * FROM open_task WHERE task_id = ?", id);
    }

    static void update(String sql) {
        try (var connection = callboard.connect();
                var statement = connection.createStatement()) {
            statement.executeUpdate(sql);
        } catch (java.sql.SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    static void awaitOutcome(String provider, String id, String outcome) {
        Waiting.soon().untilAsserted(() -> assertThat(
                        callboard.task(provider, id).at("/task/outcome").asText())
                .isEqualTo(outcome));
    }
}
