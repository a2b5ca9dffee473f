package dev.callboard.security;

import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Collects callers by provider and network for one alert a day or an hour. They are kept in memory until then, so that
 * they cause no work in the database; after a restart they are only in the log. Bounded, and safe for use by any number
 * of threads.
 */
final class CallerTally {
    /** Callers from further networks are counted together. */
    static final int MAX_NETWORKS = 1000;

    /** How many networks an alert names. */
    static final int MAX_LINES = 20;

    private final String alertKind;
    private final ChronoUnit period;
    private final Clock clock;
    private final Map<String, Unreported> unreported = new TreeMap<>();

    /** @param period the time, in UTC, in which an alert of this kind is raised once for each provider */
    CallerTally(String alertKind, ChronoUnit period, Clock clock) {
        this.alertKind = alertKind;
        this.period = period;
        this.clock = clock;
    }

    /** The callers of one provider since its last alert. */
    private static final class Unreported {
        private final Map<String, Tally> networks = new HashMap<>();
        private long fromFurtherNetworks;
        private Instant reportedIn = Instant.MIN;
        /** What {@link #unreported()} returned last. */
        private Map<String, Long> inAlert = Map.of();

        private long fromFurtherNetworksInAlert;
    }

    private record Tally(String network, long count, String lastReason) {}

    /** @param reason for the alert: what was wrong with the caller's latest request */
    synchronized void add(String provider, String network, String reason) {
        Unreported callers = unreported.computeIfAbsent(provider, name -> new Unreported());
        Tally tally = callers.networks.get(network);
        if (tally == null && callers.networks.size() >= MAX_NETWORKS) {
            callers.fromFurtherNetworks++;
            return;
        }
        long before = tally == null ? 0 : tally.count();
        callers.networks.put(network, new Tally(network, before + 1, reason));
    }

    /**
     * The alerts to raise now: one for each provider that has callers and no alert of this period.
     *
     * @return for each alert {@code alertKind}, {@code provider}, and {@code detail} with one line a network
     */
    synchronized List<Map<String, String>> unreported() {
        Instant now = currentPeriod();
        List<Map<String, String>> alerts = new ArrayList<>();
        unreported.forEach((provider, callers) -> {
            if (!callers.networks.isEmpty() && !callers.reportedIn.equals(now)) {
                callers.inAlert = new HashMap<>();
                callers.networks.forEach((network, tally) -> callers.inAlert.put(network, tally.count()));
                callers.fromFurtherNetworksInAlert = callers.fromFurtherNetworks;
                alerts.add(Map.of("alertKind", alertKind, "provider", provider, "detail", detail(callers)));
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
            lines.add(tally.network() + ": " + times(tally.count()) + ", " + tally.lastReason());
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
     * The alert of this period for a provider is in the database. If it was there before (of another node, or of this one
     * before a restart), it does not contain the callers that {@link #unreported()} returned; they are kept for the next
     * one.
     *
     * @param raised how many alerts were inserted: 1, or 0 if there was one already
     */
    synchronized void reported(String provider, int raised) {
        Unreported callers = unreported.get(provider);
        callers.reportedIn = currentPeriod();
        if (raised == 0) {
            return;
        }
        callers.inAlert.forEach((network, count) -> callers.networks.computeIfPresent(
                network,
                (name, tally) ->
                        tally.count() == count ? null : new Tally(name, tally.count() - count, tally.lastReason())));
        callers.fromFurtherNetworks -= callers.fromFurtherNetworksInAlert;
    }

    private Instant currentPeriod() {
        return clock.instant().truncatedTo(period);
    }
}
