package dev.callboard.task;

import java.time.Clock;
import org.apache.camel.Exchange;

/**
 * The bean {@code taskRecorder} of the route {@code record-task}: records the callback that an exchange's variables
 * describe. Safe for use by any number of threads.
 */
public final class TaskRecorder {
    private final CallbackFactory callbacks;
    private final GroupCommit groupCommit;
    private final CallbackMetrics metrics;

    public TaskRecorder(GroupCommit groupCommit, CallbackMetrics metrics, Clock clock) {
        this.callbacks = new CallbackFactory(clock);
        this.groupCommit = groupCommit;
        this.metrics = metrics;
    }

    /**
     * Records the callback and returns when it survives the loss of the process and of power.
     *
     * @throws NotRecordedException if the database did not commit
     * @throws RejectedByDatabaseException if the database rejects its content
     * @throws IllegalArgumentException if a route did not set a required variable, or set an invalid value
     */
    public void record(Exchange exchange) throws NotRecordedException, RejectedByDatabaseException {
        Callback callback = callbacks.create(exchange::getVariable);
        try {
            RecordResult result = groupCommit.record(callback);
            metrics.count(callback.provider(), CallbackMetrics.Result.of(result));
        } catch (NotRecordedException e) {
            metrics.count(callback.provider(), CallbackMetrics.Result.UNAVAILABLE);
            throw e;
        } catch (RejectedByDatabaseException e) {
            metrics.count(callback.provider(), CallbackMetrics.Result.ERROR);
            throw e;
        }
    }
}
