package dev.callboard.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.EventReceiver;
import dev.callboard.testkit.EventReceiver.Request;
import dev.callboard.testkit.TestCallboard;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two nodes on one PostgreSQL share the events. */
@Timeout(180)
final class EventNodesTest {
    private static final int TASKS = 300;
    private static final int[] STATUSES = {0, 2, 1};

    @Test
    void deliverEachEventOnceAndThoseOfATaskInOrder() throws Exception {
        Map<String, String> settings = new HashMap<>(Backend.POSTGRESQL.newDatabase(TestCallboard.newFolder()));
        ExecutorService callers = Executors.newFixedThreadPool(16);
        try (EventReceiver receiver = new EventReceiver()) {
            settings.put("callboard.events.url", receiver.url());
            // Some fail, and some take their time.
            Map<String, Integer> attempts = new HashMap<>();
            receiver.behave((vertx, http, request) -> {
                int attempt = attempts.merge(request.id(), 1, Integer::sum);
                boolean fails = attempt == 1 && request.id().hashCode() % 10 == 0;
                EventReceiver.later(Duration.ofMillis(1 + Math.abs(request.id().hashCode() % 20)), fails ? 500 : 204)
                        .answer(vertx, http, request);
            });
            try (TestCallboard one = TestCallboard.start(Backend.POSTGRESQL, settings);
                    TestCallboard other = TestCallboard.start(Backend.POSTGRESQL, settings)) {
                List<Future<?>> calls = new ArrayList<>();
                for (int i = 0; i < TASKS; i++) {
                    String task = "task-" + i;
                    calls.add(callers.submit(() -> {
                        for (int status : STATUSES) {
                            TestCallboard node = (task.hashCode() + status) % 2 == 0 ? one : other;
                            assertThat(node.post("fotor", "{\"taskId\": \"" + task + "\", \"status\": " + status + "}")
                                            .statusCode())
                                    .isEqualTo(200);
                        }
                    }));
                }
                for (Future<?> call : calls) {
                    call.get();
                }
                await().atMost(Duration.ofSeconds(90))
                        .until(() -> one.rows("SELECT 1 FROM event WHERE state = 'delivered'")
                                        .size()
                                == TASKS * STATUSES.length);
                assertOnceAndInOrder(receiver.requests());
                assertThat(shares(one, other))
                        .allSatisfy(share -> assertThat(share).isPositive());
            }
        } finally {
            callers.shutdown();
        }
    }

    /** One that failed comes twice; nothing else does, and no later event of a task comes before it. */
    private static void assertOnceAndInOrder(List<Request> requests) {
        Map<String, List<Request>> byTask = requests.stream().collect(Collectors.groupingBy(Request::taskId));
        assertThat(byTask).hasSize(TASKS);
        byTask.forEach((task, ofTask) -> {
            assertThat(ofTask.stream().map(Request::type).distinct())
                    .as(task)
                    .containsExactly("task.in_progress", "task.failed", "task.completed");
            Map<String, Long> counts =
                    ofTask.stream().collect(Collectors.groupingBy(Request::id, Collectors.counting()));
            counts.forEach((id, count) -> assertThat(count).isEqualTo(id.hashCode() % 10 == 0 ? 2 : 1));
            // All attempts of one event come before the first of the next one.
            assertThat(new HashSet<>(counts.keySet())).hasSize(3);
            for (int i = 1; i < ofTask.size(); i++) {
                String id = ofTask.get(i).id();
                boolean seen = ofTask.subList(0, i).stream()
                        .anyMatch(before -> before.id().equals(id));
                assertThat(!seen || ofTask.get(i - 1).id().equals(id)).as(task).isTrue();
            }
        });
    }

    private static List<Double> shares(TestCallboard... nodes) {
        List<Double> shares = new ArrayList<>();
        for (TestCallboard node : nodes) {
            shares.add(node.metric("callboard_events_total{result=\"delivered\"}"));
        }
        return shares;
    }
}
