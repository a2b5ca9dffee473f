package dev.callboard.bench;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Tasks as a provider calls back about them: in progress, and later completed or, a tenth of them, failed. Some of the
 * last callbacks come twice. Keeps what was acknowledged, to be compared with what is stored.
 */
final class TaskLives implements Traffic {
    /** Of so many tasks of a connection, the last one has a duplicate. */
    private static final int TASKS_FOR_A_DUPLICATE = 49;

    private static final int CYCLE = 2 * TASKS_FOR_A_DUPLICATE + 1;
    /** A task ends after so many others of its connection have begun; the first ones are never in progress. */
    private static final int TASKS_IN_PROGRESS = 50;

    private static final int LOAD = 2;

    private enum Step {
        BEGIN,
        END,
        DUPLICATE
    }

    private record Request(Step step, int task) {}

    private final List<Seen> acknowledged;

    TaskLives(int connections) {
        acknowledged = nothingSeen(connections);
    }

    @Override
    public String body(int connection, int n) {
        Request request = request(n);
        int task = request.task();
        String id = Bodies.taskId(LOAD, connection, task);
        if (request.step() == Step.BEGIN) {
            return Bodies.of(Bodies.IN_PROGRESS, id);
        }
        return hasFailed(task) ? Bodies.of(Bodies.FAILED, id) : Bodies.completed(id, task);
    }

    @Override
    public void acknowledged(int connection, int n) {
        Request request = request(n);
        acknowledged.get(connection).callback(request.step() == Step.BEGIN, request.task());
    }

    /** Requests alternate between the begin of a task and the end of one that began before. */
    private static Request request(int n) {
        int inCycle = n % CYCLE;
        int task = n / CYCLE * TASKS_FOR_A_DUPLICATE + inCycle / 2;
        if (inCycle == CYCLE - 1) {
            return new Request(Step.DUPLICATE, task - 1);
        }
        return inCycle % 2 == 0 ? new Request(Step.BEGIN, task + TASKS_IN_PROGRESS) : new Request(Step.END, task);
    }

    private static boolean hasFailed(int task) {
        return task % 10 == 0;
    }

    /** An empty collection of callbacks, to be filled with those that are stored. */
    Stored stored() {
        return new Stored(nothingSeen(acknowledged.size()));
    }

    private static List<Seen> nothingSeen(int connections) {
        List<Seen> seen = new ArrayList<>();
        for (int i = 0; i < connections; i++) {
            seen.add(new Seen(new BitSet(), new BitSet()));
        }
        return seen;
    }

    /** How many different callbacks were answered 200. */
    long acknowledged() {
        return acknowledged.stream().mapToLong(Seen::callbacks).sum();
    }

    /** Which tasks of a connection have begun, and which have ended. Written by one thread at a time. */
    private record Seen(BitSet begun, BitSet ended) {
        void callback(boolean begins, int task) {
            (begins ? begun : ended).set(task);
        }

        long callbacks() {
            return (long) begun.cardinality() + ended.cardinality();
        }

        /** How many of them another one does not have. */
        long without(Seen other) {
            return without(begun, other.begun) + without(ended, other.ended);
        }

        private static long without(BitSet these, BitSet others) {
            BitSet rest = (BitSet) these.clone();
            rest.andNot(others);
            return rest.cardinality();
        }
    }

    /** The callbacks of this load in a database. */
    final class Stored {
        private final List<Seen> stored;
        private long rows;

        private Stored(List<Seen> stored) {
            this.stored = stored;
        }

        /** A row of the table of callbacks; ignored if it is none of this load. */
        void add(String taskId, String outcome) {
            long key = Bodies.key(LOAD, taskId);
            if (key >= 0) {
                stored.get(Bodies.connection(key)).callback(outcome.equals("in_progress"), Bodies.number(key));
                rows++;
            }
        }

        long rows() {
            return rows;
        }

        /** Callbacks with more than one row. */
        long twice() {
            return rows - stored.stream().mapToLong(Seen::callbacks).sum();
        }

        /** Callbacks that were answered 200, and are not stored. */
        long missing() {
            return sumOfDifferences(acknowledged, stored);
        }

        /** Callbacks that are stored, and were not answered 200. */
        long unanswered() {
            return sumOfDifferences(stored, acknowledged);
        }

        long failedTasks() {
            return stored.stream()
                    .mapToLong(seen ->
                            seen.ended().stream().filter(TaskLives::hasFailed).count())
                    .sum();
        }

        private static long sumOfDifferences(List<Seen> these, List<Seen> others) {
            long sum = 0;
            for (int i = 0; i < these.size(); i++) {
                sum += these.get(i).without(others.get(i));
            }
            return sum;
        }
    }
}
