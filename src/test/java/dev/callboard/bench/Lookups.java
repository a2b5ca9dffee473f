package dev.callboard.bench;

import dev.callboard.testkit.SimulatedFotor;
import dev.callboard.testkit.TestCallboard;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;

/** Tasks that stay in progress at a simulated Fotor, which is asked about them as often as the settings allow. */
final class Lookups implements AutoCloseable {
    static final int PER_SECOND = Integer.getInteger("bench.lookups-per-second", 20);

    /** Each is due again a second after it was looked up, and then ever later. */
    private static final int TASKS = 100 * PER_SECOND;

    private final SimulatedFotor fotor = new SimulatedFotor();

    Map<String, String> settings() {
        return Map.of(
                "callboard.fotor.api-url",
                fotor.url(),
                "callboard.fotor.api-key",
                SimulatedFotor.KEY,
                "callboard.fotor.lookups-per-second",
                String.valueOf(PER_SECOND),
                "callboard.fotor.lookup-after",
                "1s");
    }

    /** Sends the callbacks of the tasks' start to a public port. */
    void startAt(int port) {
        for (int i = 0; i < TASKS; i++) {
            String id = fotor.start("avatar").id();
            HttpResponse<String> response = TestCallboard.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/callbacks/fotor"))
                            .header("Content-Type", "application/json")
                            .POST(HttpRequest.BodyPublishers.ofString(fotor.callback(id)))
                            .build());
            if (response.statusCode() != 200) {
                throw new IllegalStateException("a callback was answered " + response.statusCode());
            }
        }
    }

    int count() {
        return fotor.requests().total();
    }

    @Override
    public void close() {
        fotor.close();
    }
}
