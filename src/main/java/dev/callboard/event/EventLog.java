package dev.callboard.event;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/**
 * Where changes of tasks become events, if anybody listens. Safe for use by any number of threads.
 */
public final class EventLog {
    /** Nobody listens. */
    public static final EventLog OFF = new EventLog(false);

    private final boolean on;
    private volatile Runnable onCommit = () -> {};

    /** @param on whether anybody listens */
    public EventLog(boolean on) {
        this.on = on;
    }

    /** Whether changes are to be inserted. */
    public boolean isOn() {
        return on;
    }

    /**
     * Inserts events in their order, in one batch. The transaction belongs to the caller and holds the locks of the tasks, so
     * that a later change of a task gets a greater position.
     */
    public void insert(Connection connection, List<TaskEvent> events) throws SQLException {
        EventStore.insert(connection, events);
    }

    /** Tells that a transaction is committed that has inserted events. */
    public void committed() {
        onCommit.run();
    }

    /** Calls this after each such commit, on the thread that records; it must return at once. */
    void onCommit(Runnable action) {
        onCommit = action;
    }
}
