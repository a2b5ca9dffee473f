package dev.callboard.testkit;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/** Counts the requests that a simulated provider received, whatever it answered. Safe for any number of threads. */
public final class ReceivedRequests {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final Map<String, Integer> byPath = new HashMap<>();
    private final Map<String, Integer> byTask = new HashMap<>();
    private final Map<String, List<Long>> timesByTask = new HashMap<>();
    private final Set<String> credentials = new TreeSet<>();
    private final Deque<Long> lastSecond = new ArrayDeque<>();
    private int total;
    private int greatestInASecond;

    /** @param nanos when the request came in, by {@link System#nanoTime()} */
    synchronized void add(String path, Collection<String> taskIds, Collection<String> credentials, long nanos) {
        total++;
        byPath.merge(path, 1, Integer::sum);
        taskIds.forEach(id -> byTask.merge(id, 1, Integer::sum));
        taskIds.forEach(
                id -> timesByTask.computeIfAbsent(id, key -> new ArrayList<>()).add(nanos));
        this.credentials.addAll(credentials);
        while (!lastSecond.isEmpty() && nanos - lastSecond.getFirst() >= SECOND) {
            lastSecond.removeFirst();
        }
        lastSecond.addLast(nanos);
        greatestInASecond = Math.max(greatestInASecond, lastSecond.size());
    }

    public synchronized int total() {
        return total;
    }

    /** The requests of each path, without its query. */
    public synchronized Map<String, Integer> byPath() {
        return Map.copyOf(byPath);
    }

    /** How often each task was looked up, alone or with others. */
    public synchronized Map<String, Integer> byTask() {
        return Map.copyOf(byTask);
    }

    /** When each task was looked up, by {@link System#nanoTime()}, in the order of the requests. */
    public synchronized Map<String, List<Long>> timesByTask() {
        Map<String, List<Long>> copy = new HashMap<>();
        timesByTask.forEach((id, times) -> copy.put(id, List.copyOf(times)));
        return copy;
    }

    /** The greatest number of requests within any time of one second. */
    public synchronized int greatestInASecond() {
        return greatestInASecond;
    }

    /** Each header with credentials that was sent, once, such as {@code Authorization: Bearer key}. */
    public synchronized Set<String> credentials() {
        return Set.copyOf(credentials);
    }
}
