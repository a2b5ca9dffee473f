package dev.callboard.task;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.camel.Exchange;

/**
 * The bean {@code meters}: the numbers of Callboard on {@code /observe/metrics}. What stands in a label is one of few
 * words, never what a caller sent. Counters begin at 0 with the process. Safe for any number of threads.
 */
public final class CallbackMetrics {
    private final MeterRegistry registry;
    private final Set<String> providers;
    private final Timer commits;
    private final DistributionSummary groups;

    /** What became of a callback that was let in. */
    enum Became {
        MOVED,
        OUT_OF_DATE,
        REPEATED,
        MALFORMED,
        NOT_RECORDED,
        REFUSED_BY_DATABASE
    }

    public CallbackMetrics(MeterRegistry registry, Set<String> providers) {
        this.registry = registry;
        this.providers = providers;
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
        this.groups = DistributionSummary.builder("callboard.group.size")
                .description("How many callbacks shared one commit")
                .serviceLevelObjectives(1, 4, 16, 64)
                .register(registry);
        for (String provider : providers) {
            for (Became became : Became.values()) {
                counter(provider, became);
            }
        }
    }

    private Counter counter(String provider, Became became) {
        return Counter.builder("callboard.callbacks")
                .description("Callbacks of callers that were let in, by what became of them")
                .tag("provider", providers.contains(provider) ? provider : "other")
                .tag("became", became.name().toLowerCase(Locale.ROOT))
                .register(registry);
    }

    void count(String provider, Became became) {
        counter(provider, became).increment();
    }

    /** For the route that answers 400. */
    public void countMalformed(Exchange exchange) {
        count(exchange.getVariable("provider", String.class), Became.MALFORMED);
    }

    void countGroup(int size, long nanoseconds) {
        groups.record(size);
        commits.record(nanoseconds, TimeUnit.NANOSECONDS);
    }

    void watchWaiting(Supplier<Number> waiting) {
        Gauge.builder("callboard.waiting", waiting)
                .description("Callbacks that wait for a commit to begin")
                .register(registry);
    }
}
