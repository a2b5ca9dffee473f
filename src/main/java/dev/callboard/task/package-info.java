/**
 * Recording: a callback becomes rows of {@code callback}, {@code task}, {@code result} {@code alert} and {@code event}, in one
 * transaction that concurrent callbacks share, before the provider gets its answer. A callback goes through {@link
 * dev.callboard.task.TaskRecorder}, {@link dev.callboard.task.GroupCommit} and {@link dev.callboard.task.TaskStore};
 * the order rules are in {@link dev.callboard.task.Task}. {@link dev.callboard.task.Announcements} creates tasks before
 * their first callback. May use {@code alert}, {@code db}, {@code event}, {@code settings} and {@code text}.
 */
package dev.callboard.task;
