package dev.callboard.testkit;

import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A provider that calls back over many connections at once and remembers what was answered. It sends the callbacks of
 * one task one after the other: half of the tasks begin with "in progress", then each is completed or, one in ten,
 * failed; now and then a callback is sent again. A callback without an answer is sent again when it calls the next time,
 * first of all, until it is answered.
 */
public final class Provider {
    private final List<Line> lines = new ArrayList<>();
    private volatile boolean calling;
    private List<Thread> threads = List.of();

    public Provider(int connections, long seed) {
        for (int i = 0; i < connections; i++) {
            lines.add(new Line("line-" + i, new Random(seed + i)));
        }
    }

    private record Sent(String taskId, int status, String body) {}

    /** One connection, and all that was sent over it. */
    private static final class Line {
        final String name;
        final Random random;
        final List<Sent> acknowledged = new ArrayList<>();
        final AtomicInteger notRecorded = new AtomicInteger();
        final Map<Integer, Integer> others = new HashMap<>();
        Sent next;
        int tasks;

        Line(String name, Random random) {
            this.name = name;
            this.random = random;
        }

        Sent following(Sent before) {
            if (before != null && random.nextInt(20) == 0) {
                return before;
            }
            if (before != null && before.status() == 0) {
                return sent(before.taskId(), random.nextInt(10) == 0 ? 2 : 1);
            }
            String taskId = name + "-task-" + ++tasks;
            return sent(taskId, random.nextBoolean() ? 0 : random.nextInt(10) == 0 ? 2 : 1);
        }

        private static Sent sent(String taskId, int status) {
            String url = status == 1 ? "https://static.example.com/out/" + taskId + ".mp4" : "";
            return new Sent(
                    taskId,
                    status,
                    "{\"taskId\":\"" + taskId + "\",\"status\":" + status
                            + ",\"type\":\"videoEnhancer\",\"resultUrl\":\"" + url + "\"}");
        }
    }

    /** Calls from now on, spread over these ports, until {@link #stop()}. */
    public void callBack(int... ports) {
        calling = true;
        threads = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            Line line = lines.get(i);
            int port = ports[i % ports.length];
            Thread thread = new Thread(() -> call(line, port), line.name);
            threads.add(thread);
            thread.start();
        }
    }

    private void call(Line line, int port) {
        try (Caller caller = new Caller(port)) {
            while (calling) {
                if (line.next == null) {
                    line.next = line.following(null);
                }
                int status = caller.post("fotor", line.next.body());
                if (status == 200) {
                    line.acknowledged.add(line.next);
                    line.next = line.following(line.next);
                } else if (status == 503) {
                    line.notRecorded.incrementAndGet();
                    Thread.sleep(20);
                } else {
                    line.others.merge(status, 1, Integer::sum);
                }
            }
        } catch (IOException e) {
            // Nobody answers any more: what was sent is in doubt, and is sent again the next time.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends calling; returns when each line has its last answer or has none. */
    public void stop() throws InterruptedException {
        calling = false;
        for (Thread thread : threads) {
            thread.join();
        }
    }

    public int acknowledged() {
        return lines.stream().mapToInt(line -> line.acknowledged.size()).sum();
    }

    public int notRecorded() {
        return lines.stream().mapToInt(line -> line.notRecorded.get()).sum();
    }

    /** Whatever was wrong with what the tables hold, against what was answered; empty if nothing is. To be stopped. */
    public List<String> complaints(Connection connection) throws SQLException {
        Map<String, Integer> callbacks = new HashMap<>();
        Map<String, String> tasks = new HashMap<>();
        Map<String, Integer> alerts = new HashMap<>();
        try (Statement statement = connection.createStatement()) {
            try (ResultSet row = statement.executeQuery("SELECT payload FROM callback")) {
                while (row.next()) {
                    callbacks.merge(row.getString(1), 1, Integer::sum);
                }
            }
            try (ResultSet row = statement.executeQuery("SELECT task_id, outcome FROM task")) {
                while (row.next()) {
                    tasks.put(row.getString(1), row.getString(2));
                }
            }
            try (ResultSet row = statement.executeQuery("SELECT task_id FROM alert WHERE kind = 'failed'")) {
                while (row.next()) {
                    alerts.merge(row.getString(1), 1, Integer::sum);
                }
            }
        }
        List<String> complaints = new ArrayList<>();
        for (Line line : lines) {
            line.others.forEach((status, count) -> complaints.add(line.name + " was answered " + status));
            Map<String, Integer> last = new HashMap<>();
            for (Sent sent : line.acknowledged) {
                last.put(sent.taskId(), sent.status());
                if (callbacks.getOrDefault(sent.body(), 0) != 1) {
                    complaints.add(sent + " is there " + callbacks.getOrDefault(sent.body(), 0) + " times");
                }
                if (sent.status() == 2 && alerts.getOrDefault(sent.taskId(), 0) != 1) {
                    complaints.add(sent + " has " + alerts.getOrDefault(sent.taskId(), 0) + " alerts");
                }
            }
            if (line.next != null && callbacks.containsKey(line.next.body())) {
                last.put(line.next.taskId(), line.next.status());
            }
            last.forEach((taskId, status) -> {
                String outcome = List.of("in_progress", "completed", "failed").get(status);
                if (!outcome.equals(tasks.get(taskId))) {
                    complaints.add(taskId + " stands at " + tasks.get(taskId) + ", not at " + outcome);
                }
            });
        }
        return complaints;
    }
}
