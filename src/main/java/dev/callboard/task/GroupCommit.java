package dev.callboard.task;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets the callbacks that wait at the same moment share one transaction and one sync of the disk. A writer takes what
 * waits, at most {@value #MAX_GROUP_SIZE}, writes it down and answers each; what comes meanwhile is the next group. So
 * a callback that comes alone is written at once, and under load the groups grow by themselves.
 *
 * <p>Safe for any number of threads. Nobody waits longer than the given patience: after that it is unknown whether the
 * callback is kept, which is safe, since a repeat changes nothing. At most {@value #MAX_QUEUE_SIZE} wait; more are told so
 * at once. A writer thread that dies answers its group and is replaced.
 */
public final class GroupCommit implements AutoCloseable {
    /** More in one transaction gained nothing when measured, and the first of them would wait for the last. */
    public static final int MAX_GROUP_SIZE = 64;

    /**
     * How many must wait before another writer begins a group beside one that is being written. Where Callboard and
     * PostgreSQL share processors, few large groups cost less than many small ones; where commits are slow for another
     * reason, more wait soon.
     */
    static final int MIN_CONCURRENT_GROUP_SIZE = 16;

    /** Far more than the requests that the server lets in at a time; a bound for memory, not for load. */
    static final int MAX_QUEUE_SIZE = 1024;

    /** How long an answer may take, from the moment that a callback waits. */
    public static final Duration COMMIT_TIMEOUT = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger(GroupCommit.class);

    /** What writes a group down and returns, in the same order, what became of each; {@link TaskStore#recordGroup}. */
    public interface Writer {
        List<TaskStore.Effect> write(List<Callback> group) throws NotRecordedException, RejectedByDatabaseException;
    }

    private record Waiting(Callback callback, CompletableFuture<TaskStore.Effect> answer) {}

    private final Writer writer;
    private final CallbackMetrics meters;
    private final Duration patience;
    private final Object lock = new Object();
    // The rest is guarded by the lock.
    private final Queue<Waiting> queue = new ArrayDeque<>();
    private final List<Thread> threads = new ArrayList<>();
    private int writing;
    private boolean closed;

    /** @param writers how many groups may be written at the same time, each by a thread of its own */
    public GroupCommit(Writer writer, int writers, Duration patience, CallbackMetrics meters) {
        this.writer = writer;
        this.patience = patience;
        this.meters = meters;
        meters.watchWaiting(this::waiting);
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

    /** How many callbacks wait for a writer. */
    int waiting() {
        synchronized (lock) {
            return queue.size();
        }
    }

    /**
     * Writes one callback down, in one transaction with whatever waits at the same moment, and returns when that is
     * durable.
     *
     * @throws NotRecordedException if the database did not commit, not in time, or too much waits
     * @throws RejectedByDatabaseException if the database refuses this callback for what is in it
     */
    TaskStore.Effect record(Callback callback) throws NotRecordedException, RejectedByDatabaseException {
        Waiting mine = new Waiting(callback, new CompletableFuture<>());
        synchronized (lock) {
            if (closed) {
                throw new NotRecordedException("Callboard is ending", null);
            }
            if (queue.size() >= MAX_QUEUE_SIZE) {
                throw new NotRecordedException(MAX_QUEUE_SIZE + " callbacks wait already", null);
            }
            queue.add(mine);
            lock.notify();
        }
        try {
            return mine.answer().get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw unwrapped(e.getCause());
        } catch (TimeoutException e) {
            withdraw(mine);
            throw new NotRecordedException("the database did not commit within " + patience.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            withdraw(mine);
            Thread.currentThread().interrupt();
            throw new NotRecordedException("interrupted", e);
        }
    }

    private static NotRecordedException unwrapped(Throwable cause) throws RejectedByDatabaseException {
        if (cause instanceof RejectedByDatabaseException refused) {
            throw refused;
        }
        if (cause instanceof RuntimeException ours) {
            throw ours;
        }
        return cause instanceof NotRecordedException not
                ? not
                : new NotRecordedException(
                        "the writer died (" + cause.getClass().getSimpleName() + ")", cause);
    }

    /** Whoever gave up waiting is not written any more, unless a writer holds it already. */
    private void withdraw(Waiting mine) {
        synchronized (lock) {
            queue.remove(mine);
        }
    }

    private void writeGroups() {
        try {
            for (List<Waiting> group = nextGroup(); !group.isEmpty(); group = nextGroup()) {
                try {
                    write(group);
                } finally {
                    finished();
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
                LOG.error("{} died and is replaced", thread.getName());
                startThread(thread.getName());
            }
        }
    }

    private void finished() {
        synchronized (lock) {
            writing--;
        }
    }

    private boolean isWorthAGroup() {
        return writing == 0 ? !queue.isEmpty() : queue.size() >= MIN_CONCURRENT_GROUP_SIZE;
    }

    /** What waits, in the order of arrival; waits itself until there is enough. Empty when all is done and closed. */
    private List<Waiting> nextGroup() {
        synchronized (lock) {
            while (!isWorthAGroup() && !closed) {
                try {
                    lock.wait();
                } catch (InterruptedException e) {
                    // Nobody of ours interrupts a writer: H2 would close its file if a thread were interrupted in it.
                    LOG.warn(
                            "{} was interrupted and goes on",
                            Thread.currentThread().getName());
                }
            }
            List<Waiting> group = new ArrayList<>(Math.min(queue.size(), MAX_GROUP_SIZE));
            while (group.size() < MAX_GROUP_SIZE && !queue.isEmpty()) {
                group.add(queue.remove());
            }
            if (!group.isEmpty()) {
                writing++;
            }
            if (isWorthAGroup()) {
                lock.notify();
            }
            return group;
        }
    }

    private void write(List<Waiting> group) {
        try {
            commit(group);
        } catch (NotRecordedException e) {
            if (e.isBecauseOfALock()) {
                failOrWriteAlone(group, e);
            } else {
                fail(group, e);
            }
        } catch (RejectedByDatabaseException | RuntimeException e) {
            failOrWriteAlone(group, e);
        } catch (Throwable e) {
            fail(group, e);
            throw e;
        }
    }

    /** The fault may lie with one of them, and the others must not suffer for it. */
    private void failOrWriteAlone(List<Waiting> group, Exception why) {
        if (group.size() == 1) {
            fail(group, why);
        } else {
            group.forEach(one -> write(List.of(one)));
        }
    }

    private void commit(List<Waiting> group) throws NotRecordedException, RejectedByDatabaseException {
        long start = System.nanoTime();
        List<TaskStore.Effect> effects =
                writer.write(group.stream().map(Waiting::callback).toList());
        meters.countGroup(group.size(), System.nanoTime() - start);
        for (int i = 0; i < group.size(); i++) {
            group.get(i).answer().complete(effects.get(i));
        }
    }

    private static void fail(List<Waiting> group, Throwable why) {
        group.forEach(one -> one.answer().completeExceptionally(why));
    }

    /** Takes nothing more, writes down what waits and returns when that is done or the patience is at its end. */
    @Override
    public void close() {
        List<Thread> running;
        synchronized (lock) {
            closed = true;
            lock.notifyAll();
            running = List.copyOf(threads);
        }
        long end = System.nanoTime() + patience.toNanos();
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
