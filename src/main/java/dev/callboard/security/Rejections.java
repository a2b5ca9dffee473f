package dev.callboard.security;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.camel.Variable;

/**
 * The bean {@code rejections}: logs and counts rejected callers, and collects them for one alert a day and provider.
 * They are kept in memory until then, so that rejected callers cause no work in the database; after a restart they are
 * only in the log. Bounded, and safe for use by any number of threads.
 */
public final class Rejections {
    /** Callers from further networks are counted together. */
    static final int MAX_NETWORKS = 1000;

    /** How many networks an alert names. */
    static final int MAX_LINES = 20;

    private final Clock clock;
    private final MeterRegistry meters;
    private final RejectionLog log;
    private final Map<String, Unreported> unreported = new TreeMap<>();

    public Rejections(Clock clock, MeterRegistry meters) {
        this.clock = clock;
        this.meters = meters;
        this.log = new RejectionLog(clock);
    }

    /** The rejected callers of one provider since its last alert. */
    private static final class Unreported {
        private final Map<String, Tally> networks = new HashMap<>();
        private long fromFurtherNetworks;
        private LocalDate reportedOn = LocalDate.MIN;
        /** What {@link #unreported()} returned last. */
        private Map<String, Long> inAlert = Map.of();

        private long fromFurtherNetworksInAlert;
    }

    private record Tally(String network, long count, RejectionReason lastReason) {}

    void add(String provider, CallerRejectedException rejection) {
        meters.counter(
                        "callboard.callers.rejected",
                        "provider",
                        provider,
                        "reason",
                        rejection.reason().code())
                .increment();
        log.log(provider, rejection);
        count(provider, rejection);
    }

    private synchronized void count(String provider, CallerRejectedException rejection) {
        Unreported callers = unreported.computeIfAbsent(provider, name -> new Unreported());
        Tally tally = callers.networks.get(rejection.network());
        if (tally == null && callers.networks.size() >= MAX_NETWORKS) {
            callers.fromFurtherNetworks++;
            return;
        }
        long before = tally == null ? 0 : tally.count();
        callers.networks.put(rejection.network(), new Tally(rejection.network(), before + 1, rejection.reason()));
    }

    /**
     * The alerts to raise now: one for each provider that has rejected callers and no alert of today.
     *
     * @return for each alert {@code provider}, and {@code detail} with one line a network
     */
    public synchronized List<Map<String, String>> unreported() {
        LocalDate today = today();
        List<Map<String, String>> alerts = new ArrayList<>();
        unreported.forEach((provider, callers) -> {
            if (!callers.networks.isEmpty() && !callers.reportedOn.equals(today)) {
                callers.inAlert = new HashMap<>();
                callers.networks.forEach((network, tally) -> callers.inAlert.put(network, tally.count()));
                callers.fromFurtherNetworksInAlert = callers.fromFurtherNetworks;
                alerts.add(Map.of("provider", provider, "detail", detail(callers)));
            }
        });
        return alerts;
    }

    private static String detail(Unreported callers) {
        List<Tally> mostFirst = callers.networks.values().stream()
                .sorted(Comparator.comparingLong(Tally::count).reversed().thenComparing(Tally::network))
                .toList();
        List<String> lines = new ArrayList<>();
        for (Tally tally : mostFirst.subList(0, Math.min(MAX_LINES, mostFirst.size()))) {
            lines.add(tally.network() + ": " + times(tally.count()) + ", "
                    + tally.lastReason().phrase());
        }
        long others = callers.fromFurtherNetworks;
        for (Tally tally : mostFirst.subList(lines.size(), mostFirst.size())) {
            others += tally.count();
        }
        if (others > 0) {
            lines.add("from other addresses: " + times(others));
        }
        return String.join("\n", lines);
    }

    private static String times(long count) {
        return count == 1 ? "once" : count + " times";
    }

    /**
     * The alert of today for a provider is in the database. If it was there before (of another node, or of this one
     * before a restart), it does not contain the callers that {@link #unreported()} returned; they are kept for the next
     * day's.
     *
     * @param raised how many alerts were inserted: 1, or 0 if there was one already
     */
    public synchronized void reported(@Variable("provider") String provider, @Variable("raised") int raised) {
        Unreported callers = unreported.get(provider);
        callers.reportedOn = today();
        if (raised == 0) {
            return;
        }
        callers.inAlert.forEach((network, count) -> callers.networks.computeIfPresent(
                network,
                (name, tally) ->
                        tally.count() == count ? null : new Tally(name, tally.count() - count, tally.lastReason())));
        callers.fromFurtherNetworks -= callers.fromFurtherNetworksInAlert;
    }

    private LocalDate today() {
        return LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC);
    }
}
