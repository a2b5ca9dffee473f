package dev.callboard.task;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.alert.AlertKind;
import dev.callboard.testkit.OnEachDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.apache.camel.ProducerTemplate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Random callbacks of many tasks, with duplicates and out of order, recorded by many threads at once, lead to the same rows
 * as a model that is as simple as the order rules. The callbacks of one task are recorded one after the other. Run a seed
 * that failed again with {@code -Dcallboard.seed=...}.
 */
@Timeout(300)
final class ModelTest extends OnEachDatabase {
    private static final Logger LOG = LoggerFactory.getLogger(ModelTest.class);
    private static final int TASKS = 300;
    private static final int MAX_CALLBACKS = 12;
    private static final int THREADS = 32;
    private static final Instant NOON = Instant.parse("2026-01-01T12:00:00Z");

    /** A callback as a route would describe it; {@code time} may be null. */
    private record Sent(String status, String outcome, String alert, Instant time, String url, int body) {
        boolean isUnknown() {
            return outcome.equals("unknown");
        }

        boolean isFinished() {
            return outcome.equals("completed") || outcome.equals("failed");
        }
    }

    private record Raised(String kind, int revision) {}

    /**
     * One task, by the order rules as the manual states them. It keeps every callback and looks for what the rules speak of,
     * where the code keeps columns.
     */
    private static final class Model {
        /** What is kept in the table of callbacks, in the order of arrival. */
        private final List<Sent> kept = new ArrayList<>();

        private final List<Sent> applied = new ArrayList<>();
        private final Set<Raised> raised = new HashSet<>();
        private final Set<Raised> named = new HashSet<>();

        void record(Sent sent) {
            if (kept.contains(sent) && !isNewEvent(sent)) {
                return;
            }
            kept.add(sent);
            boolean isApplied = applied.isEmpty() || replaces(sent, standsOn());
            if (isApplied) {
                applied.add(sent);
            }
            raise(sent, isApplied);
        }

        /** Without a time, a finished outcome that differs from the current one is new, whatever was received before. */
        private boolean isNewEvent(Sent sent) {
            return sent.time() == null
                    && sent.isFinished()
                    && !sent.outcome().equals(standsOn().outcome());
        }

        Sent standsOn() {
            return applied.get(applied.size() - 1);
        }

        private static boolean replaces(Sent callback, Sent standsOn) {
            // 1. A known outcome replaces an unknown one, which never replaces a known one.
            if (callback.isUnknown() != standsOn.isUnknown()) {
                return standsOn.isUnknown();
            }
            // 2. Both carry a time.
            if (callback.time() != null && standsOn.time() != null) {
                if (callback.time().equals(standsOn.time())) {
                    return !standsOn.isFinished() || callback.isFinished();
                }
                return callback.time().isAfter(standsOn.time());
            }
            // 3. One of them has none.
            return !(standsOn.isFinished() && callback.outcome().equals("in_progress"));
        }

        int revision() {
            int revision = 1;
            for (int i = 1; i < applied.size(); i++) {
                revision += applied.get(i).status().equals(applied.get(i - 1).status()) ? 0 : 1;
            }
            return revision;
        }

        Instant occurred() {
            return applied.stream()
                    .map(Sent::time)
                    .filter(Objects::nonNull)
                    .max(Comparator.naturalOrder())
                    .orElse(null);
        }

        Set<String> urls() {
            return kept.stream().map(Sent::url).filter(Objects::nonNull).collect(Collectors.toCollection(TreeSet::new));
        }

        private void raise(Sent sent, boolean isApplied) {
            List<String> kinds = new ArrayList<>(
                    sent.alert().isEmpty() ? List.of() : List.of(sent.alert().split(",")));
            if (!isApplied) {
                kinds.retainAll(Set.of("flagged", "unknown"));
            }
            if (!kinds.isEmpty()) {
                boolean first = raised.add(new Raised(kinds.get(0), revision()));
                for (String kind : kinds.subList(1, kinds.size())) {
                    if (named.add(new Raised(kind, revision())) && !first) {
                        raised.add(new Raised(kind, revision()));
                    }
                }
            }
        }
    }

    @Test
    void leadsToTheSameRowsAsTheModel() throws Exception {
        Random random = seeded();
        Map<String, List<Sent>> sequences = new LinkedHashMap<>();
        for (int i = 0; i < TASKS; i++) {
            sequences.put("model-" + i, sequence(random, i));
        }
        recordConcurrently(sequences);
        for (Map.Entry<String, List<Sent>> entry : sequences.entrySet()) {
            Model model = new Model();
            entry.getValue().forEach(model::record);
            compare(entry.getKey(), entry.getValue(), model);
        }
    }

    @Test
    void leadsToTheSameRowsWithSeveralCallbacksOfATaskInOneGroup() throws Exception {
        Random random = seeded();
        TaskStore store = new TaskStore(callboard.callboard().database(), new Deadlines(Map.of()));
        TaskRecorder recorder =
                new TaskRecorder(null, null, null, Set.copyOf(AlertKind.codes()), Clock.systemUTC(), Runnable::run);
        Map<String, List<Sent>> sequences = new LinkedHashMap<>();
        List<Callback> group = new ArrayList<>();
        for (int i = 0; i < TASKS; i++) {
            String taskId = "group-" + i;
            sequences.put(taskId, sequence(random, i));
            for (Sent sent : sequences.get(taskId)) {
                group.add(recorder.callback(variables(taskId, sent)::get));
                if (random.nextInt(10) == 0) {
                    store.recordGroup(group);
                    group.clear();
                }
            }
        }
        store.recordGroup(group);
        for (Map.Entry<String, List<Sent>> entry : sequences.entrySet()) {
            Model model = new Model();
            entry.getValue().forEach(model::record);
            compare(entry.getKey(), entry.getValue(), model);
        }
    }

    @Test
    void leadsToTheSameRowsInAnyOrderOfArrivalIfAllTimesDiffer() throws Exception {
        Random random = seeded();
        Map<String, List<Sent>> sequences = new LinkedHashMap<>();
        for (int i = 0; i < TASKS / 6; i++) {
            List<Sent> sequence = new ArrayList<>();
            for (int body = 0; body < 6; body++) {
                sequence.add(sent(random, i, NOON.plusSeconds(body), body));
            }
            for (int order = 0; order < 6; order++) {
                Collections.shuffle(sequence, random);
                sequences.put("order-" + i + "-" + order, List.copyOf(sequence));
            }
        }
        recordConcurrently(sequences);
        for (int i = 0; i < TASKS / 6; i++) {
            Set<Object> ends = new HashSet<>();
            for (int order = 0; order < 6; order++) {
                String taskId = "order-" + i + "-" + order;
                ends.add(List.of(
                        callboard.rows("SELECT status, outcome, failure_reason FROM task WHERE task_id = ?", taskId),
                        callboard.rows("SELECT url FROM result WHERE task_id = ? ORDER BY url", taskId)));
            }
            assertThat(ends)
                    .as("the orders of " + sequences.get("order-" + i + "-0"))
                    .hasSize(1);
        }
    }

    private Random seeded() {
        long seed = Long.getLong("callboard.seed", System.nanoTime());
        LOG.info("{}: -Dcallboard.seed={}", backend, seed);
        return new Random(seed);
    }

    private static List<Sent> sequence(Random random, int task) {
        List<Sent> sequence = new ArrayList<>();
        int count = 1 + random.nextInt(MAX_CALLBACKS);
        for (int body = 0; body < count; body++) {
            if (body > 0 && random.nextInt(4) == 0) {
                sequence.add(sequence.get(random.nextInt(sequence.size())));
            } else {
                // Few different times, so that some are equal, and sometimes none; of some tasks none has a time.
                boolean none = task % 3 == 0 || random.nextInt(3) == 0;
                Instant time = none ? null : NOON.plusSeconds(random.nextInt(5));
                sequence.add(sent(random, task, time, body));
            }
        }
        return sequence;
    }

    private static Sent sent(Random random, int task, Instant time, int body) {
        String url = "https://static.example.com/" + task + "/" + random.nextInt(3) + ".jpg";
        return switch (random.nextInt(6)) {
            case 0 -> new Sent("waiting", "in_progress", "", time, null, body);
            case 1 -> new Sent("running", "in_progress", "flagged", time, null, body);
            case 2 -> new Sent("done", "completed", "", time, url, body);
            case 3 -> new Sent("done", "completed", "incomplete,flagged", time, url, body);
            case 4 -> new Sent("broken", "failed", "failed", time, null, body);
            default -> new Sent("odd", "unknown", "", time, null, body);
        };
    }

    private static void recordConcurrently(Map<String, List<Sent>> sequences) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try (ProducerTemplate producer = callboard.callboard().camel().createProducerTemplate()) {
            List<Future<?>> tasks = new ArrayList<>();
            sequences.forEach((taskId, sequence) -> tasks.add(threads.submit(() -> {
                for (Sent sent : sequence) {
                    send(producer, taskId, sent);
                }
            })));
            for (Future<?> task : tasks) {
                task.get();
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static void send(ProducerTemplate producer, String taskId, Sent sent) {
        var exchange = producer.send(
                "direct:record-task", made -> variables(taskId, sent).forEach(made::setVariable));
        if (exchange.getException() != null) {
            throw new IllegalStateException(exchange.getException());
        }
    }

    private static Map<String, Object> variables(String taskId, Sent sent) {
        return Map.of(
                "provider",
                "fotor",
                "taskId",
                taskId,
                "status",
                sent.status(),
                "outcome",
                sent.outcome(),
                "alert",
                sent.alert(),
                "failureReason",
                "broke at " + sent.time(),
                "occurredAt",
                Objects.toString(sent.time(), ""),
                "results",
                sent.url() == null ? List.of() : List.of(Map.of("kind", "image", "url", sent.url())),
                "payload",
                "{\"body\":" + sent.body() + "}");
    }

    private static void compare(String taskId, List<Sent> sequence, Model model) throws SQLException {
        try (Connection connection = callboard.callboard().dataSource().getConnection();
                PreparedStatement select = connection.prepareStatement("SELECT * FROM task WHERE task_id = ?")) {
            select.setString(1, taskId);
            try (ResultSet task = select.executeQuery()) {
                assertThat(task.next()).isTrue();
                OffsetDateTime occurred = task.getObject("occurred_at", OffsetDateTime.class);
                assertThat(List.of(
                                task.getString("status"),
                                task.getString("outcome"),
                                task.getInt("revision"),
                                String.valueOf(occurred == null ? null : occurred.toInstant())))
                        .as(taskId + " after " + sequence)
                        .isEqualTo(List.of(
                                model.standsOn().status(),
                                model.standsOn().outcome(),
                                model.revision(),
                                String.valueOf(model.occurred())));
            }
        }
        assertThat(callboard.rows("SELECT payload FROM callback WHERE task_id = ?", taskId))
                .as("the callbacks of " + taskId + " after " + sequence)
                .hasSameSizeAs(model.kept);
        assertThat(callboard.rows("SELECT url FROM result WHERE task_id = ? ORDER BY url", taskId))
                .extracting(row -> row.get("url"))
                .containsExactlyElementsOf(model.urls());
        assertThat(callboard.rows("SELECT kind, revision FROM alert WHERE task_id = ?", taskId))
                .extracting(row -> new Raised((String) row.get("kind"), (Integer) row.get("revision")))
                .as("the alerts of " + taskId + " after " + sequence)
                .containsExactlyInAnyOrderElementsOf(model.raised);
    }
}
