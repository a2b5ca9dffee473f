package dev.callboard.task;

/** What recording a callback did. */
public enum RecordResult {
    /** It is stored, and its task has the state that it describes. */
    APPLIED,
    /** The same, and it is a look-up's answer that finds a task finished as no callback has told. */
    MISSED,
    /** It is stored, but its task keeps a newer state. */
    STALE,
    /**
     * The same body of the same task was stored before, and it is no new event; only the time of the task's last callback may
     * have changed.
     */
    DUPLICATE,
    /** A look-up says nothing that its task does not have, so nothing is stored. */
    UNCHANGED;

    /** Whether its task has the state that it describes, and did not have it before. */
    public boolean isApplied() {
        return this == APPLIED || this == MISSED;
    }
}
