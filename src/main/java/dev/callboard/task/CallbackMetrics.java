package dev.callboard.task;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.camel.Exchange;

/**
 * The bean {@code callbackMetrics}: the metrics of callbacks and commits. Labels have few values and never one that a
 * caller sent. Counters begin at 0 with the process. Safe for use by any number of threads.
 */
public final class CallbackMetrics {
    private static final String OTHER = "other";

    private final MeterRegistry registry;
    private final Map<String, Map<Result, Counter>> callbacks = new HashMap<>();
    private final Map<String, Map<Outcome, Counter>> outcomes = new HashMap<>();
    private final Map<String, Counter> missed = new HashMap<>();
    private final Timer commits;
    private final DistributionSummary groups;

    /** The result of a callback whose caller was admitted. */
    enum Result {
        APPLIED,
        STALE,
        DUPLICATE,
        /** Its body is not what the provider's schema says: answered 400. */
        INVALID,
        /** The database did not commit it, or the brokers did not acknowledge it: answered 503. */
        UNAVAILABLE,
        /** The database rejected it: answered 500. */
        ERROR;

        static Result of(RecordResult result) {
            return switch (result) {
                case APPLIED, MISSED -> APPLIED;
                case STALE -> STALE;
                case DUPLICATE -> DUPLICATE;
                case UNCHANGED -> throw new IllegalArgumentException("a look-up is no callback");
            };
        }
    }

    /** @param providers the values of the provider label; callbacks of any other provider are counted as {@code other} */
    public CallbackMetrics(MeterRegistry registry, Set<String> providers) {
        this.registry = registry;
        this.commits = Timer.builder("callboard.commit")
                .description("How long the database took to commit a group of callbacks")
                .serviceLevelObjectives(
                        Duration.ofMillis(1),
                        Duration.ofMillis(5),
                        Duration.ofMillis(20),
                        Duration.ofMillis(100),
                        Duration.ofMillis(500),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(10))
                .register(registry);
        this.groups = DistributionSummary.builder("callboard.commit.group.size")
                .description("How many callbacks shared a commit")
                .serviceLevelObjectives(1, 4, 16, 64)
                .register(registry);
        Stream.concat(providers.stream(), Stream.of(OTHER)).forEach(provider -> {
            Map<Result, Counter> results = new EnumMap<>(Result.class);
            for (Result result : Result.values()) {
                results.put(result, counter(provider, result));
            }
            callbacks.put(provider, results);
            Map<Outcome, Counter> byOutcome = new EnumMap<>(Outcome.class);
            for (Outcome outcome : Outcome.values()) {
                byOutcome.put(
                        outcome,
                        Counter.builder("callboard.task.changes")
                                .description("Changes of tasks by the outcome that they have then")
                                .tag("provider", provider)
                                .tag("outcome", outcome.code())
                                .register(registry));
            }
            outcomes.put(provider, byOutcome);
            missed.put(
                    provider,
                    Counter.builder("callboard.missed")
                            .description("Finished tasks that a look-up found before a callback announced them")
                            .tag("provider", provider)
                            .register(registry));
        });
    }

    private Counter counter(String provider, Result result) {
        return Counter.builder("callboard.callbacks")
                .description("Callbacks of admitted callers by their result")
                .tag("provider", provider)
                .tag("result", result.name().toLowerCase(Locale.ROOT))
                .register(registry);
    }

    void count(String provider, Result result) {
        callbacks.get(known(provider)).get(result).increment();
    }

    /** Counts what was recorded, whether the provider sent it or was asked for it. */
    void count(Callback callback, RecordResult result) {
        if (callback.origin() != Origin.LOOKUP) {
            count(callback.provider(), Result.of(result));
        }
        if (result.isApplied()) {
            outcomes.get(known(callback.provider())).get(callback.outcome()).increment();
        }
        if (result == RecordResult.MISSED) {
            missed.get(known(callback.provider())).increment();
        }
    }

    private String known(String provider) {
        return callbacks.containsKey(provider) ? provider : OTHER;
    }

    /** For the route that answers 400. */
    public void countInvalid(Exchange exchange) {
        count(exchange.getVariable("provider", String.class), Result.INVALID);
    }

    /** For the route that answers 503 if the brokers of a topic do not acknowledge a callback. */
    public void countUnavailable(Exchange exchange) {
        count(exchange.getVariable("provider", String.class), Result.UNAVAILABLE);
    }

    void countGroup(int size, long nanoseconds) {
        groups.record(size);
        commits.record(nanoseconds, TimeUnit.NANOSECONDS);
    }

    void watchQueue(Supplier<Number> size) {
        Gauge.builder("callboard.commit.queue.size", size)
                .description("Callbacks that wait for a commit to begin")
                .register(registry);
    }
}
