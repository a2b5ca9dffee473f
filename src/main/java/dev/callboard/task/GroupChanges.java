package dev.callboard.task;

import dev.callboard.alert.AlertKind;
import dev.callboard.event.TaskEvent;
import dev.callboard.text.Sha256;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * What the callbacks of a group change, decided in memory: which are duplicates, which are applied to their task or stale,
 * and which alerts they raise. Several callbacks of one task build on each other, as if each had its own transaction.
 * Does not access the database. Used by one thread.
 */
final class GroupChanges {
    private final Map<TaskKey, Task> tasks = new HashMap<>();
    /** How often each body of a task is stored. */
    private final Map<TaskKey, Map<Sha256, Integer>> occurrences = new HashMap<>();

    /** The kinds of the files of a task, and the digests of the URLs of those that are stored, where they matter. */
    private final Map<TaskKey, Set<String>> kinds = new HashMap<>();

    private final Map<TaskKey, Set<Sha256>> storedFiles = new HashMap<>();

    /** Whether each stored task was open before the group. */
    private final Map<TaskKey, Boolean> openBefore = new HashMap<>();

    private final NavigableMap<TaskKey, Task> applied = new TreeMap<>();
    private final NavigableMap<TaskKey, Task> withNewFiles = new TreeMap<>();
    private final Set<TaskKey> heard = new HashSet<>();
    private final List<NewCallback> newCallbacks = new ArrayList<>();
    private final List<RaisedAlert> alerts = new ArrayList<>();
    private final boolean makesEvents;
    private final List<TaskEvent> events = new ArrayList<>();

    /** @param makesEvents whether anybody listens to changes; otherwise no work is done for them */
    GroupChanges(boolean makesEvents) {
        this.makesEvents = makesEvents;
    }

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

    /** Takes over a file that is stored, before the first callback of its task is added. */
    void load(TaskTables.StoredFile file) {
        kinds.computeIfAbsent(file.task(), k -> new HashSet<>()).add(file.kind());
        storedFiles.computeIfAbsent(file.task(), k -> new HashSet<>()).add(file.url());
    }

    /** Those of the stored tasks of callbacks whose files matter for what is decided: few, unless somebody listens. */
    Set<TaskKey> withFilesToLoad(List<Callback> callbacks) {
        return callbacks.stream()
                .filter(callback -> callback.origin() == Origin.LOOKUP
                        || (makesEvents && !callback.results().isEmpty())
                        || tasks.get(callback.key()).expects() != null)
                .map(Callback::key)
                .collect(Collectors.toSet());
    }

    /** Decides about the next callback. */
    RecordResult add(Callback callback) {
        TaskKey key = callback.key();
        Task before = tasks.get(key);
        int earlier = occurrencesOf(key).getOrDefault(callback.digest(), 0);
        if (callback.origin() == Origin.LOOKUP) {
            if (!isNews(before, callback)) {
                return RecordResult.UNCHANGED;
            }
        } else if (earlier > 0 && !before.isRevertedBy(callback)) {
            return RecordResult.DUPLICATE;
        }
        boolean wasOpen = before != null && isOpen(before);
        if (before != null) {
            openBefore.putIfAbsent(key, wasOpen);
        }
        occurrencesOf(key).put(callback.digest(), earlier + 1);
        newCallbacks.add(new NewCallback(callback, earlier + 1));
        callback.results().forEach(file -> kinds.computeIfAbsent(key, k -> new HashSet<>())
                .add(file.kind()));
        boolean isApplied = before == null || before.isReplacedBy(callback);
        Task after = before;
        if (isApplied) {
            after = before == null ? Task.of(callback) : before.apply(callback);
            tasks.put(key, after);
            applied.put(key, after);
            if (callback.origin() != Origin.LOOKUP) {
                heard.add(key);
            }
        }
        RaisedAlert.of(callback, isApplied, after.revision()).ifPresent(alerts::add);
        if (!isApplied && after.expects() != null) {
            withNewFiles.put(key, after);
        }
        if (makesEvents) {
            addEvent(before, after, callback);
        }
        if (!isApplied) {
            return RecordResult.STALE;
        }
        if (callback.origin() == Origin.LOOKUP
                && after.outcome().isFinished()
                && (after.revision() > before.revision() || (wasOpen && !isOpen(after)))) {
            alerts.add(RaisedAlert.missed(callback, after.revision()));
            return RecordResult.MISSED;
        }
        return RecordResult.APPLIED;
    }

    /** A callback makes an event if it changes the outcome, or else if it brings a file that the task does not have. */
    private void addEvent(Task before, Task after, Callback callback) {
        Set<Sha256> stored = storedFiles.computeIfAbsent(callback.key(), k -> new HashSet<>());
        boolean hasNewFile = false;
        for (Callback.Result file : callback.results()) {
            hasNewFile |= stored.add(Sha256.of(file.url()));
        }
        String previous = before == null ? null : before.outcome().code();
        if (hasNewFile || !after.outcome().code().equals(previous)) {
            events.add(event(previous, after, callback));
        }
    }

    private static TaskEvent event(String previousOutcome, Task task, Callback callback) {
        return new TaskEvent(
                callback.id(),
                callback.provider(),
                callback.taskId(),
                task.outcome().code(),
                previousOutcome,
                task.status(),
                task.taskType(),
                task.businessId(),
                task.sourceTaskId(),
                task.failureReason(),
                callback.results().stream()
                        .map(file -> new TaskEvent.File(
                                file.kind(), file.url(), file.externalId(), file.templateId(), file.flagged()))
                        .toList(),
                callback.occurredAt(),
                task.changedAt(),
                callback.origin().code(),
                callback.recordedAt());
    }

    /** Whether the answer of a provider says something new of a task. It never creates one. */
    private boolean isNews(Task before, Callback answer) {
        if (before == null || !before.isReplacedBy(answer)) {
            return false;
        }
        Set<Sha256> stored = storedFiles.getOrDefault(answer.key(), Set.of());
        return before.isChangedBy(answer)
                || answer.results().stream().anyMatch(file -> !stored.contains(Sha256.of(file.url())));
    }

    /** Whether more is to come from the provider of a task that a callback was applied to. */
    boolean isOpen(Task task) {
        return task.isOpen(kinds.getOrDefault(task.key(), Set.of()));
    }

    private Map<Sha256, Integer> occurrencesOf(TaskKey key) {
        return occurrences.computeIfAbsent(key, k -> new HashMap<>());
    }

    /** The new state of each task that a callback was applied to, in the order of their keys. */
    Collection<Task> appliedTasks() {
        return applied.values();
    }

    /** The tasks of which it may have changed whether they are open. A stale callback may bring the file that one expects. */
    Collection<Task> tasksToNote() {
        NavigableMap<TaskKey, Task> all = new TreeMap<>(withNewFiles);
        all.putAll(applied);
        return all.values();
    }

    /** Whether a stored task was over before the group; asked of one that is open after it. */
    boolean isReopened(Task task) {
        return !openBefore.getOrDefault(task.key(), true);
    }

    /** Whether a callback was applied to a task, and not only the answer to a look-up, which has a schedule of its own. */
    boolean isHeard(Task task) {
        return heard.contains(task.key());
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

    /** The events that listeners are told, those of one task in the order of its changes. */
    List<TaskEvent> events() {
        return events;
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
     * @param id its own
     * @param kind the code of the kind
     * @param otherKinds the codes of the others, which its mail names; may be empty
     * @param revision the task's revision after the callback
     * @param dedupKey for a kind that is raised once a day or hour; otherwise it is raised once a revision of its task
     */
    record RaisedAlert(
            UUID id, Callback callback, String kind, List<String> otherKinds, int revision, Optional<String> dedupKey) {

        /** That a task is finished, as a look-up found. */
        static RaisedAlert missed(Callback answer, int revision) {
            return new RaisedAlert(
                    UUID.randomUUID(), answer, AlertKind.MISSED.code(), List.of(), revision, Optional.empty());
        }

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
                    callback.id(),
                    callback,
                    kinds.get(0),
                    kinds.subList(1, kinds.size()),
                    revision,
                    AlertKind.of(kinds.get(0)).dedupKey(about, callback.recordedAt())));
        }
    }
}
