package dev.callboard.bench;

import dev.callboard.testkit.Caller;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/**
 * Sends requests over a number of connections: each sends the next one as soon as it has its answer, or when it is due at
 * a constant rate. At a constant rate, the latency counts from when the request was due, so that a request that had to
 * wait for a slow answer before it counts its wait.
 */
final class Load {
    private static final int SIGNIFICANT_DIGITS = 3;
    private static final int AFTER_ERROR_MS = 100;

    private final List<Integer> ports;
    private final int connections;
    private final Traffic traffic;
    private final Recorder latencies = new Recorder(SIGNIFICANT_DIGITS);
    private final LongAdder acknowledged = new LongAdder();
    private final LongAdder others = new LongAdder();
    private final List<Thread> threads = new ArrayList<>();
    private long paceNanos;

    /** @param ports of one server, or of several that share the connections evenly */
    Load(List<Integer> ports, int connections, Traffic traffic) {
        this.ports = ports;
        this.connections = connections;
        this.traffic = traffic;
    }

    /** So many requests a second over all connections. */
    Load at(int perSecond) {
        paceNanos = TimeUnit.SECONDS.toNanos(connections) / perSecond;
        return this;
    }

    Load run(int seconds) throws InterruptedException {
        start(seconds);
        await();
        return this;
    }

    void start(int seconds) {
        long begin = System.nanoTime();
        long end = begin + TimeUnit.SECONDS.toNanos(seconds);
        for (int i = 0; i < connections; i++) {
            int connection = i;
            Thread thread = new Thread(() -> call(connection, begin, end));
            threads.add(thread);
            thread.start();
        }
    }

    /** Returns once each connection has its last answer. */
    void await() throws InterruptedException {
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private void call(int connection, long begin, long end) {
        long first = begin + connection * paceNanos / connections;
        try (Caller caller = new Caller(ports.get(connection % ports.size()))) {
            for (int n = 0; System.nanoTime() - end < 0; n++) {
                String body = traffic.body(connection, n);
                long due = paceNanos == 0 ? System.nanoTime() : first + n * paceNanos;
                if (due - end >= 0) {
                    return;
                }
                sleepUntil(due);
                boolean ok = isAnswered200(caller, body);
                latencies.recordValue(Math.max(0, System.nanoTime() - due));
                if (ok) {
                    acknowledged.increment();
                    traffic.acknowledged(connection, n);
                } else {
                    others.increment();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean isAnswered200(Caller caller, String body) throws InterruptedException {
        try {
            return caller.post("fotor", body) == 200;
        } catch (IOException e) {
            TimeUnit.MILLISECONDS.sleep(AFTER_ERROR_MS);
            return false;
        }
    }

    private static void sleepUntil(long time) throws InterruptedException {
        long wait = time - System.nanoTime();
        if (wait > 0) {
            TimeUnit.NANOSECONDS.sleep(wait);
        }
    }

    /** How many requests were answered 200 so far. */
    long acknowledged() {
        return acknowledged.sum();
    }

    /** How many requests got another answer, or none. */
    long others() {
        return others.sum();
    }

    /** The latencies in nanoseconds since this was called last. */
    Histogram latencies() {
        return latencies.getIntervalHistogram();
    }

    static double milliseconds(Histogram latencies, double percentile) {
        return latencies.getValueAtPercentile(percentile) / 1e6;
    }
}
