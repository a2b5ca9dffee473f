package dev.callboard.task;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.IntSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets callbacks that arrive at the same time share one transaction and one sync of the disk. Each is put into a queue. A
 * writer thread takes up to {@value #MAX_GROUP_SIZE} of them, has them recorded as a group and completes each; what
 * arrives meanwhile is the next group. A callback that arrives alone is recorded at once. While more requests are in
 * flight than are in the queue, a writer waits for a moment until half of them are there: the larger a group, the less
 * each of its callbacks costs, and one half is written while the other is on its way.
 *
 * <p>No callback waits longer than the commit timeout. After that it is unknown whether it is stored, which is safe, since
 * the provider sends it again and the second one is a duplicate. At most {@value #MAX_QUEUE_SIZE} wait; more fail at once.
 * A writer thread that dies fails its group and is replaced. Safe for use by any number of threads.
 */
public final class GroupCommit implements AutoCloseable {
    /** Larger groups gained nothing when measured, and the first callback of a group waits for the last. */
    public static final int MAX_GROUP_SIZE = 64;

    /**
     * How long the queue must be before a second writer starts a group while another is being written. Where Callboard
     * and PostgreSQL share processors, few large groups cost less than many small ones; where commits are slow for another
     * reason, the queue soon is that long.
     */
    static final int MIN_CONCURRENT_GROUP_SIZE = 32;

    /** How long a free writer waits for callbacks that are on their way. */
    private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    /** More than callboard.http.max-in-flight can be; the requests in flight are limited, not the queue. */
    static final int MAX_QUEUE_SIZE = 11_000;

    /** How long a caller waits for the commit, time in the queue included. */
    public static final Duration COMMIT_TIMEOUT = Duration.ofSeconds(10);

    /** How long {@link #close} waits for groups whose callers are gone. */
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(GroupCommit.class);

    /** Records a group as a whole or not at all: {@link TaskStore#recordGroup}. */
    @FunctionalInterface
    public interface Store {
        List<RecordResult> recordGroup(List<Callback> group) throws NotRecordedException, RejectedByDatabaseException;
    }

    private record Entry(Callback callback, CompletableFuture<RecordResult> result) {}

    private final Store store;
    private final CallbackMetrics metrics;
    private final Duration commitTimeout;
    private final Object lock = new Object();
    private volatile IntSupplier inFlight = () -> 0;
    // The rest is guarded by the lock.
    private final Queue<Entry> queue = new ArrayDeque<>();
    private final List<Thread> threads = new ArrayList<>();
    private int groupsInProgress;
    private boolean closed;

    /** @param writers how many groups may be written at the same time, each by a thread of its own */
    public GroupCommit(Store store, int writers, Duration commitTimeout, CallbackMetrics metrics) {
        this.store = store;
        this.commitTimeout = commitTimeout;
        this.metrics = metrics;
        metrics.watchQueue(this::queueSize);
        for (int i = 0; i < writers; i++) {
            startThread("callboard-writer-" + (i + 1));
        }
    }

    private void startThread(String name) {
        Thread thread = new Thread(this::writeGroups, name);
        thread.setDaemon(true);
        synchronized (lock) {
            threads.add(thread);
        }
        thread.start();
    }

    /**
     * Has the writers wait for a moment for callbacks that are on their way.
     *
     * @param requests how many requests are in flight, of which each will probably lead to a callback
     */
    public void expect(IntSupplier requests) {
        inFlight = requests;
    }

    int queueSize() {
        synchronized (lock) {
            return queue.size();
        }
    }

    /**
     * Records a callback, together with others that arrive at the same time.
     *
     * @return is completed when it survives the loss of the process and of power, by a thread of this class, which must not
     *     be kept waiting. It fails with a {@link NotRecordedException} if the database did not commit in time, the queue is
     *     full or Callboard is stopping, and with a {@link RejectedByDatabaseException} if the database rejects the content
     *     of this callback
     */
    CompletableFuture<RecordResult> record(Callback callback) {
        Entry entry = new Entry(callback, new CompletableFuture<>());
        synchronized (lock) {
            if (closed) {
                return failed("Callboard is stopping");
            }
            if (queue.size() >= MAX_QUEUE_SIZE) {
                return failed("the queue is full with " + MAX_QUEUE_SIZE + " callbacks");
            }
            queue.add(entry);
            // The first one begins the wait for more.
            if (queue.size() == 1 || shouldStartGroup()) {
                lock.notify();
            }
        }
        return entry.result()
                .orTimeout(commitTimeout.toMillis(), TimeUnit.MILLISECONDS)
                .handle((result, failure) -> {
                    if (failure == null) {
                        return result;
                    }
                    remove(entry);
                    throw new CompletionException(describe(failure));
                });
    }

    private static CompletableFuture<RecordResult> failed(String why) {
        return CompletableFuture.failedFuture(new NotRecordedException(why, null));
    }

    private Throwable describe(Throwable failure) {
        if (failure instanceof NotRecordedException
                || failure instanceof RejectedByDatabaseException
                || failure instanceof RuntimeException) {
            return failure;
        }
        return new NotRecordedException(
                failure instanceof TimeoutException
                        ? "the database did not commit within " + commitTimeout.toSeconds() + " s"
                        : "the writer thread died (" + failure.getClass().getSimpleName() + ")",
                failure);
    }

    /** A callback whose caller has timed out is not written, unless a writer has taken it already. */
    private void remove(Entry entry) {
        synchronized (lock) {
            queue.remove(entry);
        }
    }

    private void writeGroups() {
        try {
            for (List<Entry> group = nextGroup(); !group.isEmpty(); group = nextGroup()) {
                try {
                    write(group);
                } finally {
                    endGroup();
                }
            }
        } finally {
            replaceIfNotClosed();
        }
    }

    private void replaceIfNotClosed() {
        synchronized (lock) {
            Thread thread = Thread.currentThread();
            threads.remove(thread);
            if (!closed || !queue.isEmpty()) {
                LOG.error("replaced a writer thread that died thread={}", thread.getName());
                startThread(thread.getName());
            }
        }
    }

    private void endGroup() {
        synchronized (lock) {
            groupsInProgress--;
        }
    }

    private boolean shouldStartGroup() {
        return shouldStartGroup(queue.size(), inFlight.getAsInt(), groupsInProgress);
    }

    /** Whether a group should start at once, with {@code waiting} callbacks in the queue. */
    static boolean shouldStartGroup(int waiting, int inFlight, int groupsInProgress) {
        if (groupsInProgress > 0) {
            return waiting >= MIN_CONCURRENT_GROUP_SIZE;
        }
        return waiting > 0 && (waiting >= MAX_GROUP_SIZE || 2 * waiting >= inFlight);
    }

    /** Waits until a group should start, and takes it, oldest first; empty once this is closed and the queue is empty. */
    private List<Entry> nextGroup() {
        synchronized (lock) {
            long end = 0;
            while (!shouldStartGroup() && !closed) {
                boolean canStart = groupsInProgress == 0 && !queue.isEmpty();
                if (!canStart) {
                    end = 0;
                } else if (end == 0) {
                    end = System.nanoTime() + PATIENCE_NANOS;
                } else if (System.nanoTime() - end >= 0) {
                    break;
                }
                try {
                    lock.wait(canStart ? 1 : 0);
                } catch (InterruptedException e) {
                    // Callboard never interrupts a writer, since H2 closes its file when a thread is interrupted in it.
                    LOG.warn(
                            "ignored an interrupt thread={}",
                            Thread.currentThread().getName());
                }
            }
            List<Entry> group = new ArrayList<>(Math.min(queue.size(), MAX_GROUP_SIZE));
            while (group.size() < MAX_GROUP_SIZE && !queue.isEmpty()) {
                group.add(queue.remove());
            }
            if (!group.isEmpty()) {
                groupsInProgress++;
            }
            if (shouldStartGroup()) {
                lock.notify();
            }
            return group;
        }
    }

    private void write(List<Entry> group) {
        try {
            commit(group);
        } catch (NotRecordedException e) {
            if (e.isLockTimeout()) {
                failOrWriteEachAlone(group, e);
            } else {
                fail(group, e);
            }
        } catch (RejectedByDatabaseException | RuntimeException e) {
            failOrWriteEachAlone(group, e);
        } catch (Throwable e) {
            fail(group, e);
            throw e;
        }
    }

    /** The error may be about one callback only; the others of its group must not fail with it. */
    private void failOrWriteEachAlone(List<Entry> group, Exception cause) {
        if (group.size() == 1) {
            fail(group, cause);
        } else {
            group.forEach(entry -> write(List.of(entry)));
        }
    }

    private void commit(List<Entry> group) throws NotRecordedException, RejectedByDatabaseException {
        long start = System.nanoTime();
        List<RecordResult> results =
                store.recordGroup(group.stream().map(Entry::callback).toList());
        metrics.countGroup(group.size(), System.nanoTime() - start);
        for (int i = 0; i < group.size(); i++) {
            group.get(i).result().complete(results.get(i));
        }
    }

    private static void fail(List<Entry> group, Throwable cause) {
        group.forEach(entry -> entry.result().completeExceptionally(cause));
    }

    /** Takes no more callbacks and writes those in the queue; returns when that is done, or after a second. */
    @Override
    public void close() {
        List<Thread> running;
        synchronized (lock) {
            closed = true;
            lock.notifyAll();
            running = List.copyOf(threads);
        }
        long end = System.nanoTime() + CLOSE_TIMEOUT.toNanos();
        for (Thread thread : running) {
            try {
                TimeUnit.NANOSECONDS.timedJoin(thread, Math.max(1, end - System.nanoTime()));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
