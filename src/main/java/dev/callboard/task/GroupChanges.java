package dev.callboard.task;

import dev.callboard.alert.AlertKind;
import dev.callboard.text.Sha256;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What the callbacks of a group change, decided in memory: which are duplicates, which are applied to their task or stale,
 * and which alerts they raise. Several callbacks of one task build on each other, as if each had its own transaction.
 * Does not access the database. Used by one thread.
 */
final class GroupChanges {
    private final Map<TaskKey, Task> tasks = new HashMap<>();
    /** How often each body of a task is stored. */
    private final Map<TaskKey, Map<Sha256, Integer>> occurrences = new HashMap<>();

    private final NavigableMap<TaskKey, Task> applied = new TreeMap<>();
    private final List<NewCallback> newCallbacks = new ArrayList<>();
    private final List<RaisedAlert> alerts = new ArrayList<>();

    /**
     * A callback that is stored.
     *
     * @param occurrence how often its body is stored for its task by now, itself included
     */
    record NewCallback(Callback callback, int occurrence) {}

    /** Takes over a task that is stored, before the first of its callbacks is added. */
    void load(Task task) {
        tasks.put(task.key(), task);
    }

    /** Takes over how often a body is stored for a task, before the first of its callbacks is added. */
    void load(TaskTables.Occurrences stored) {
        occurrencesOf(stored.task()).put(stored.digest(), stored.count());
    }

    /** Decides about the next callback. */
    RecordResult add(Callback callback) {
        TaskKey key = callback.key();
        Task before = tasks.get(key);
        int earlier = occurrencesOf(key).getOrDefault(callback.digest(), 0);
        if (earlier > 0 && !before.isRevertedBy(callback)) {
            return RecordResult.DUPLICATE;
        }
        occurrencesOf(key).put(callback.digest(), earlier + 1);
        newCallbacks.add(new NewCallback(callback, earlier + 1));
        boolean isApplied = before == null || before.isReplacedBy(callback);
        Task after = before;
        if (isApplied) {
            after = before == null ? Task.of(callback) : before.apply(callback);
            tasks.put(key, after);
            applied.put(key, after);
        }
        RaisedAlert.of(callback, isApplied, after.revision()).ifPresent(alerts::add);
        return isApplied ? RecordResult.APPLIED : RecordResult.STALE;
    }

    private Map<Sha256, Integer> occurrencesOf(TaskKey key) {
        return occurrences.computeIfAbsent(key, k -> new HashMap<>());
    }

    /** The new state of each task that a callback was applied to, in the order of their keys. */
    Collection<Task> appliedTasks() {
        return applied.values();
    }

    /** The same of some tasks only. */
    Collection<Task> appliedTasks(Set<TaskKey> keys) {
        return applied.values().stream()
                .filter(task -> keys.contains(task.key()))
                .toList();
    }

    /** The callbacks that are no duplicates, in the order of their tasks' keys. */
    List<NewCallback> newCallbacks() {
        newCallbacks.sort(Comparator.comparing(added -> added.callback().key()));
        return newCallbacks;
    }

    /**
     * The alerts that are raised, those with a dedup key last and in its order. Transactions wait for each other at equal
     * dedup keys, and in the same order they do not deadlock.
     */
    List<RaisedAlert> alerts() {
        alerts.sort(Comparator.comparing(alert -> alert.dedupKey().orElse("")));
        return alerts;
    }

    /**
     * The one alert that a callback raises: its most important kind, with the other kinds that apply.
     *
     * @param kind the code of the kind
     * @param otherKinds the codes of the others, which its mail names; may be empty
     * @param revision the task's revision after the callback
     * @param dedupKey for a kind that is raised once a day or hour; otherwise it is raised once a revision of its task
     */
    record RaisedAlert(
            Callback callback, String kind, List<String> otherKinds, int revision, Optional<String> dedupKey) {

        /**
         * The alert that a callback raises; empty if none of its kinds applies.
         *
         * @param applied whether the callback is applied to its task; if it is stale, only some kinds are raised
         */
        static Optional<RaisedAlert> of(Callback callback, boolean applied, int revision) {
            List<String> kinds = callback.alerts().stream()
                    .filter(kind -> applied || AlertKind.of(kind).isRaisedByStaleCallback())
                    .toList();
            if (kinds.isEmpty()) {
                return Optional.empty();
            }
            String about = callback.provider() + " " + callback.status();
            return Optional.of(new RaisedAlert(
                    callback,
                    kinds.get(0),
                    kinds.subList(1, kinds.size()),
                    revision,
                    AlertKind.of(kinds.get(0)).dedupKey(about, callback.recordedAt())));
        }
    }
}
