package dev.callboard.event;

import dev.callboard.event.EventStore.Result;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The metrics of events. Counters begin at 0 with the process; gauges show the database as it was when they were updated
 * last. Safe for use by any number of threads.
 */
public final class EventMetrics {
    private final Map<Result, Counter> attempts = new EnumMap<>(Result.class);
    private final AtomicLong pending = new AtomicLong();
    private final AtomicLong oldestSeconds = new AtomicLong();
    private final Clock clock;

    public EventMetrics(MeterRegistry registry, Clock clock) {
        this.clock = clock;
        for (Result result : new Result[] {Result.DELIVERED, Result.FAILED, Result.DEAD}) {
            attempts.put(
                    result,
                    Counter.builder("callboard.events")
                            .description("Events by what came of an attempt: delivered, failed, or given up")
                            .tag("result", result.name().toLowerCase(Locale.ROOT))
                            .register(registry));
        }
        Gauge.builder("callboard.events.pending", pending, AtomicLong::get)
                .description("Events that are not delivered yet")
                .register(registry);
        Gauge.builder("callboard.events.oldest.pending.seconds", oldestSeconds, AtomicLong::get)
                .description("The age of the oldest of them")
                .register(registry);
    }

    void count(Result result, int events) {
        Counter counter = attempts.get(result);
        if (counter != null) {
            counter.increment(events);
        }
    }

    void update(EventStore.Pending now) {
        pending.set(now.count());
        oldestSeconds.set(
                now.oldest() == null
                        ? 0
                        : Math.max(
                                0,
                                Duration.between(now.oldest(), clock.instant()).toSeconds()));
    }
}
