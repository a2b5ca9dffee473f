package dev.callboard.provider;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * The metrics of look-ups. Labels have few values. Counters begin at 0 with the process. Safe for use by any number of
 * threads.
 */
public final class LookupMetrics {
    private final Map<String, Counter> lookups = new TreeMap<>();
    private final Map<String, AtomicLong> open = new TreeMap<>();
    private final Map<String, AtomicLong> oldestSeconds = new TreeMap<>();
    private final Clock clock;

    public LookupMetrics(MeterRegistry registry, Collection<String> providers, Clock clock) {
        this.clock = clock;
        List<String> results = Stream.concat(
                        Stream.of(Lookup.Result.values()), Stream.of(LookupFailedException.Kind.values()))
                .map(Enum::name)
                .distinct()
                .toList();
        for (String provider : providers) {
            open.put(
                    provider,
                    gauge(registry, "callboard.tasks.open", "Tasks that are expected or in progress", provider));
            oldestSeconds.put(
                    provider,
                    gauge(
                            registry,
                            "callboard.tasks.oldest.open.seconds",
                            "The age of the oldest of them that is not given up",
                            provider));
            for (String result : results) {
                lookups.put(
                        provider + " " + result,
                        Counter.builder("callboard.lookups")
                                .description("Look-ups by what came of them: tasks, and requests without an answer")
                                .tag("provider", provider)
                                .tag("result", result.toLowerCase(Locale.ROOT))
                                .register(registry));
            }
        }
    }

    private static AtomicLong gauge(MeterRegistry registry, String name, String description, String provider) {
        AtomicLong value = new AtomicLong();
        Gauge.builder(name, value, AtomicLong::get)
                .description(description)
                .tag("provider", provider)
                .register(registry);
        return value;
    }

    /** Takes over how many tasks are open now, and since when the oldest is. */
    void update(Map<String, OpenTasks.Count> counts) {
        open.forEach((provider, value) -> {
            OpenTasks.Count count = counts.get(provider);
            value.set(count == null ? 0 : count.tasks());
            oldestSeconds
                    .get(provider)
                    .set(
                            count == null || count.oldest() == null
                                    ? 0
                                    : Duration.between(count.oldest(), clock.instant())
                                            .toSeconds());
        });
    }

    void count(String provider, String result) {
        lookups.get(provider + " " + result).increment();
    }
}
