package dev.callboard.task;

import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * The steps of one group's transaction. Used once, by one thread.
 *
 * <ol>
 *   <li>Look, without locking, which of the group's tasks exist. Only then is it known which rows to insert and which to
 *       lock.
 *   <li>Decide and insert the tasks that do not exist, in the order of their keys.
 *   <li>Lock the others, in the order of their keys, and read their state together with the group's duplicates. From here
 *       on no other transaction can change them.
 *   <li>Decide and update those.
 *   <li>Insert the callbacks, the results and the alerts.
 * </ol>
 *
 * <p>Inserts come before locks because an insert waits for another transaction that has inserted the same key: while this
 * one waits there, it holds no row that the other could still have to lock. Within each step all transactions take the
 * same order. So two processes do not deadlock. Races remain: a task that did not exist may be inserted by another
 * transaction (the insert fails with a unique violation), and one that existed may be deleted by the retention (no row is
 * locked). Either way {@link TaskStore} rolls back and attempts the group again.
 */
final class GroupTransaction {
    private final List<Callback> callbacks;
    private final GroupChanges changes = new GroupChanges();

    GroupTransaction(List<Callback> callbacks) {
        this.callbacks = callbacks;
    }

    /** Writes everything but does not commit; returns the result of each callback, in the order given. */
    List<RecordResult> record(TaskTables tables) throws SQLException {
        RecordResult[] results = new RecordResult[callbacks.size()];
        NavigableMap<TaskKey, Instant> lastArrivals = lastArrivals();
        NavigableSet<TaskKey> existing = tables.findExisting(lastArrivals.keySet());

        decide(key -> !existing.contains(key), results);
        tables.insertTasks(changes.appliedTasks(), lastArrivals);

        if (!existing.isEmpty()) {
            tables.lock(existing, lastArrivals);
            tables.readLocked(callbacksOf(existing)).forEach(changes::load);
            decide(existing::contains, results);
            tables.updateTasks(changes.appliedTasks(existing));
        }

        List<Callback> newCallbacks = changes.newCallbacks();
        tables.insertCallbacks(newCallbacks);
        tables.insertResults(newCallbacks);
        tables.insertAlerts(changes.alerts());
        return List.of(results);
    }

    /** When the latest callback of each task arrived. */
    private NavigableMap<TaskKey, Instant> lastArrivals() {
        NavigableMap<TaskKey, Instant> arrivals = new TreeMap<>();
        for (Callback callback : callbacks) {
            arrivals.merge(callback.key(), callback.receivedAt(), (one, other) -> one.isAfter(other) ? one : other);
        }
        return arrivals;
    }

    private List<Callback> callbacksOf(Set<TaskKey> keys) {
        return callbacks.stream()
                .filter(callback -> keys.contains(callback.key()))
                .toList();
    }

    private void decide(Predicate<TaskKey> which, RecordResult[] results) {
        for (int i = 0; i < results.length; i++) {
            Callback callback = callbacks.get(i);
            if (which.test(callback.key())) {
                results[i] = changes.add(callback);
            }
        }
    }
}
