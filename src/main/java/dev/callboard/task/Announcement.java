package dev.callboard.task;

import java.time.Duration;

/**
 * Says that a provider has a task, before or after a callback of it arrives. All but the key may be null.
 *
 * @param family which of the provider's kinds of tasks it is
 * @param expects the code of the kind of file without which the task is not over
 * @param overdueAfter after what time the task is overdue; whole seconds
 * @param lookUpNow whether the task is looked up at once, if it is open
 */
record Announcement(
        TaskKey key,
        String type,
        String family,
        String businessId,
        String sourceTaskId,
        String expects,
        Duration overdueAfter,
        boolean lookUpNow) {}
