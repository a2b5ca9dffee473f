package dev.callboard.testkit;

import java.io.IOException;
import java.net.ConnectException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A provider that sends callbacks over many connections at once and records the answers. The callbacks of one task are
 * sent one after the other: half of the tasks begin with "in progress", then each is completed or, one in ten, failed;
 * one in twenty callbacks is sent twice. A callback without an answer is the first to be sent at the next {@link
 * #callBack}.
 */
public final class Provider {
    private final List<Sender> senders = new ArrayList<>();
    private volatile boolean calling;
    private List<Thread> threads = List.of();

    public Provider(int connections, long seed) {
        for (int i = 0; i < connections; i++) {
            senders.add(new Sender("sender-" + i, new Random(seed + i)));
        }
    }

    private record Sent(String taskId, int status, String body) {}

    /** One connection, and what was sent over it. */
    private static final class Sender {
        final String name;
        final Random random;
        final List<Sent> acknowledged = new ArrayList<>();
        final AtomicInteger unavailable = new AtomicInteger();
        final AtomicInteger unanswered = new AtomicInteger();
        final Map<String, Integer> others = new HashMap<>();
        Sent next;
        int tasks;

        Sender(String name, Random random) {
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

    /**
     * Sends callbacks until {@link #stop()}; the connections are spread over these ports. A connection that is closed with a
     * 503, as by a process that stops, is not opened again.
     */
    public void callBack(int... ports) {
        calling = true;
        threads = new ArrayList<>();
        for (int i = 0; i < senders.size(); i++) {
            Sender sender = senders.get(i);
            int port = ports[i % ports.length];
            Thread thread = new Thread(() -> call(sender, port), sender.name);
            threads.add(thread);
            thread.start();
        }
    }

    private void call(Sender sender, int port) {
        try (Caller caller = new Caller(port)) {
            while (calling) {
                if (sender.next == null) {
                    sender.next = sender.following(null);
                }
                int status = caller.post("fotor", sender.next.body());
                if (status == 200) {
                    sender.acknowledged.add(sender.next);
                    sender.next = sender.following(sender.next);
                } else if (status == 503 && caller.retryAfter()) {
                    sender.unavailable.incrementAndGet();
                    if (caller.isClosed()) {
                        return;
                    }
                    Thread.sleep(20);
                } else {
                    sender.others.merge(
                            status == 503 ? "503 without Retry-After" : String.valueOf(status), 1, Integer::sum);
                }
            }
        } catch (ConnectException e) {
            // The port is closed. The callback is sent again next time.
        } catch (IOException e) {
            sender.unanswered.incrementAndGet();
            // The process was stopped or killed. The callback may be recorded or not, and is sent again next time.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Stops sending; returns when each connection has its last answer or is closed. */
    public void stop() throws InterruptedException {
        calling = false;
        for (Thread thread : threads) {
            thread.join();
        }
    }

    public int acknowledged() {
        return senders.stream().mapToInt(sender -> sender.acknowledged.size()).sum();
    }

    public int unavailable() {
        return senders.stream().mapToInt(sender -> sender.unavailable.get()).sum();
    }

    /** How many callbacks had no answer because their connection was closed. */
    public int unanswered() {
        return senders.stream().mapToInt(sender -> sender.unanswered.get()).sum();
    }

    /** The answers that were neither 200 nor 503 with Retry-After, by status. Call {@link #stop()} first. */
    public Map<String, Integer> otherAnswers() {
        Map<String, Integer> all = new TreeMap<>();
        for (Sender sender : senders) {
            sender.others.forEach((status, count) -> all.merge(status, count, Integer::sum));
        }
        return all;
    }

    /** How the tables differ from what was acknowledged; empty if they do not. Call {@link #stop()} first. */
    public List<String> differences(Connection connection) throws SQLException {
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
        List<String> differences = new ArrayList<>();
        for (Sender sender : senders) {
            sender.others.forEach((status, count) -> differences.add(sender.name + " was answered " + status));
            Map<String, Integer> last = new HashMap<>();
            for (Sent sent : sender.acknowledged) {
                last.put(sent.taskId(), sent.status());
                if (callbacks.getOrDefault(sent.body(), 0) != 1) {
                    differences.add(sent + " is there " + callbacks.getOrDefault(sent.body(), 0) + " times");
                }
                if (sent.status() == 2 && alerts.getOrDefault(sent.taskId(), 0) != 1) {
                    differences.add(sent + " has " + alerts.getOrDefault(sent.taskId(), 0) + " alerts");
                }
            }
            if (sender.next != null && callbacks.containsKey(sender.next.body())) {
                last.put(sender.next.taskId(), sender.next.status());
            }
            last.forEach((taskId, status) -> {
                String outcome = List.of("in_progress", "completed", "failed").get(status);
                if (!outcome.equals(tasks.get(taskId))) {
                    differences.add(taskId + " is " + tasks.get(taskId) + ", not " + outcome);
                }
            });
        }
        return differences;
    }
}
