package dev.callboard.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.Caller;
import dev.callboard.testkit.EventReceiver.Request;
import dev.callboard.testkit.EventReceiverProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Every change that was answered 200 reaches the receiver, in the order of its task, after kill -9. Runs the packaged
 * application as a process of its own under load, kills it at random moments and starts it again on the same database; in
 * between, it kills the receiver too.
 */
@Timeout(900)
final class EventCrashIT {
    private static final Logger LOG = LoggerFactory.getLogger(EventCrashIT.class);
    private static final int CALLERS = 16;
    /** On PostgreSQL, the leases of the last one have to expire. */
    private static final int KILLS = Math.max(2, Integer.getInteger("callboard.kills", 5) / 2);

    private static final int[] STATUSES = {0, 2, 1};
    private static final List<String> TYPES = List.of("task.in_progress", "task.failed", "task.completed");

    private final long seed = Long.getLong("callboard.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final AtomicBoolean calling = new AtomicBoolean(true);
    private final AtomicInteger tasks = new AtomicInteger();

    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(Backend.class)
    void losesNoChangeWhenItIsKilled(Backend backend) throws Exception {
        Map<String, String> settings = new HashMap<>(backend.newDatabase(folder));
        try (EventReceiverProcess receiver = new EventReceiverProcess(folder.resolve("received"))) {
            receiver.start();
            settings.put("callboard.events.url", receiver.url());
            CallboardProcess callboard = new CallboardProcess(folder, settings);
            callboard.start();
            List<Thread> callers = call(callboard.port);
            for (int kill = 1; kill <= KILLS; kill++) {
                Thread.sleep(1000 + random.nextInt(1500));
                if (kill % 2 == 0) {
                    receiver.kill();
                    Thread.sleep(500 + random.nextInt(1000));
                }
                callboard.kill();
                if (kill % 2 == 0) {
                    receiver.start();
                }
                callboard.start();
            }
            Thread.sleep(1000);
            calling.set(false);
            for (Thread caller : callers) {
                caller.join();
            }
            // On PostgreSQL, leases of the killed process have to expire.
            await().atMost(Duration.ofMinutes(4))
                    .pollInterval(Duration.ofSeconds(1))
                    .until(() -> distinct(receiver.requests()) >= (long) tasks.get() * STATUSES.length);
            callboard.close();
            compare(backend, receiver.requests());
        }
    }

    private List<Thread> call(int port) {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < CALLERS; i++) {
            String name = "caller-" + i;
            Thread thread = new Thread(() -> callUntilStopped(name, port), name);
            threads.add(thread);
            thread.start();
        }
        return threads;
    }

    private void callUntilStopped(String name, int port) {
        for (int task = 0; calling.get(); task++) {
            for (int status : STATUSES) {
                String body = "{\"taskId\":\"" + name + "-" + task + "\",\"status\":" + status + "}";
                while (!isAnswered(port, body)) {
                    pause();
                }
            }
            tasks.incrementAndGet();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(50);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean isAnswered(int port, String body) {
        try (Caller caller = new Caller(port)) {
            return caller.post("fotor", body) == 200;
        } catch (IOException e) {
            return false;
        }
    }

    private static long distinct(List<Request> requests) {
        return requests.stream()
                .filter(request -> request.taskId().startsWith("caller-"))
                .map(Request::id)
                .distinct()
                .count();
    }

    /** The events of each task, by the first time that each came. */
    private void compare(Backend backend, List<Request> requests) {
        Map<String, Map<String, Request>> byTask = new LinkedHashMap<>();
        int total = 0;
        for (Request request : requests) {
            if (request.taskId().startsWith("caller-")) {
                total++;
                Request first = byTask.computeIfAbsent(request.taskId(), task -> new LinkedHashMap<>())
                        .putIfAbsent(request.id(), request);
                assertThat(first == null || first.body().equals(request.body()))
                        .as("an event that is sent again is the same")
                        .isTrue();
            }
        }
        assertThat(byTask).as("seed " + seed).hasSize(tasks.get());
        byTask.forEach((task, events) -> assertThat(events.values())
                .as(task + ", seed " + seed)
                .extracting(Request::type)
                .isEqualTo(TYPES));
        LOG.info(
                "{}, killed {} times: {} tasks, {} events, all received in order; {} requests, of which {} again (seed {})",
                backend,
                KILLS,
                tasks.get(),
                tasks.get() * STATUSES.length,
                total,
                total - tasks.get() * STATUSES.length,
                seed);
    }
}
