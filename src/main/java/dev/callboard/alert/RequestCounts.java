package dev.callboard.alert;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * How many requests this process has answered 403 and 503 in the last day, or since its start if that is later. Read from
 * the metrics, which count from the start. Safe for any number of threads.
 */
final class RequestCounts {
    private static final Duration PERIOD = Duration.ofDays(1);
    private static final Duration SAMPLE_INTERVAL = Duration.ofHours(1);

    private final MeterRegistry registry;
    private final Clock clock;

    /** The oldest first; the oldest but one is less than a day old. */
    private final Deque<Sample> samples = new ArrayDeque<>();

    RequestCounts(MeterRegistry registry, Clock clock) {
        this.registry = registry;
        this.clock = clock;
        samples.add(read());
    }

    private record Sample(Instant at, Map<String, Long> rejected, long unavailable) {
        long rejected(String provider) {
            return rejected.getOrDefault(provider, 0L);
        }
    }

    /**
     * The requests since a time.
     *
     * @param since a day ago, or up to an hour earlier; the start of the process if that is later
     * @param rejected how many requests to the callback URL of a provider were answered 403
     * @param unavailable how many requests to the callback URLs of all providers were answered 503
     */
    record Counts(Instant since, long rejected, long unavailable) {}

    /** Notes the counts of now, once an hour, so that later ones can be compared with them. */
    synchronized void sample() {
        Instant now = clock.instant();
        if (!now.isBefore(samples.getLast().at().plus(SAMPLE_INTERVAL))) {
            samples.add(read());
        }
        Instant dayAgo = now.minus(PERIOD);
        while (samples.stream().skip(1).anyMatch(sample -> !sample.at().isAfter(dayAgo))) {
            samples.removeFirst();
        }
    }

    synchronized Counts of(String provider) {
        sample();
        Sample before = samples.getFirst();
        Sample now = read();
        return new Counts(
                before.at(),
                now.rejected(provider) - before.rejected(provider),
                now.unavailable() - before.unavailable());
    }

    private Sample read() {
        Map<String, Long> rejected = registry.find("callboard.callers.rejected").counters().stream()
                .collect(Collectors.groupingBy(
                        counter -> counter.getId().getTag("provider"), Collectors.summingLong(RequestCounts::count)));
        long unavailable = registry.find("callboard.http.responses").tag("status", "503").counters().stream()
                .mapToLong(RequestCounts::count)
                .sum();
        return new Sample(clock.instant(), rejected, unavailable);
    }

    private static long count(Counter counter) {
        return (long) counter.count();
    }
}
