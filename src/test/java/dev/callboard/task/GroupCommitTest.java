package dev.callboard.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.callboard.testkit.Callbacks;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which callbacks share a commit, how long a caller waits, and what happens when the store fails. */
@Timeout(30)
final class GroupCommitTest {
    private static final Duration LONG_TIMEOUT = Duration.ofSeconds(20);

    private final CallbackMetrics metrics = new CallbackMetrics(new SimpleMeterRegistry(), Set.of());
    private final ExecutorService callers = Executors.newCachedThreadPool();
    private final List<Integer> sizes = new CopyOnWriteArrayList<>();
    private final CountDownLatch disk = new CountDownLatch(1);
    private GroupCommit groupCommit;

    @AfterEach
    void stop() {
        disk.countDown();
        if (groupCommit != null) {
            groupCommit.close();
        }
        callers.shutdownNow();
    }

    @Test
    void writesASingleCallbackAtOnceAndThoseThatArriveMeanwhileTogether() throws Exception {
        groupCommit = new GroupCommit(this::recordOnceTheDiskIsFree, 1, LONG_TIMEOUT, metrics);
        Future<RecordResult> first = call("first");
        await().until(() -> sizes.size() == 1);
        List<Future<RecordResult>> others =
                IntStream.range(0, 100).mapToObj(i -> call("other-" + i)).toList();
        await().until(() -> groupCommit.queueSize() == 100);
        assertThat(first.isDone()).as("completed before the commit").isFalse();

        disk.countDown();

        assertThat(first.get()).isEqualTo(RecordResult.APPLIED);
        for (Future<RecordResult> other : others) {
            assertThat(other.get()).isEqualTo(RecordResult.APPLIED);
        }
        assertThat(sizes).containsExactly(1, 64, 36);
    }

    @Test
    void startsAConcurrentGroupOnlyIfTheQueueIsLongEnough() throws Exception {
        groupCommit = new GroupCommit(this::recordOnceTheDiskIsFree, 2, LONG_TIMEOUT, metrics);
        Future<RecordResult> first = call("first");
        await().until(() -> sizes.size() == 1);
        List<Future<RecordResult>> others = IntStream.range(1, GroupCommit.MIN_CONCURRENT_GROUP_SIZE)
                .mapToObj(i -> call("other-" + i))
                .toList();
        await().until(() -> groupCommit.queueSize() == GroupCommit.MIN_CONCURRENT_GROUP_SIZE - 1);
        await().during(Duration.ofMillis(200)).until(() -> sizes.size() == 1);

        Future<RecordResult> last = call("last");

        await().until(() -> sizes.size() == 2);
        disk.countDown();
        assertThat(first.get()).isEqualTo(RecordResult.APPLIED);
        assertThat(last.get()).isEqualTo(RecordResult.APPLIED);
        for (Future<RecordResult> other : others) {
            assertThat(other.get()).isEqualTo(RecordResult.APPLIED);
        }
        assertThat(sizes).containsExactly(1, GroupCommit.MIN_CONCURRENT_GROUP_SIZE);
    }

    @ParameterizedTest(name = "{0} in the queue of {1} in flight, {2} groups in progress: {3}")
    @CsvSource({
        "0, 0, 0, false",
        "0, 5, 0, false",
        "1, 0, 0, true",
        "1, 1, 0, true",
        "1, 2, 0, true",
        "1, 3, 0, false",
        "31, 64, 0, false",
        "32, 64, 0, true",
        "64, 256, 0, true",
        "31, 31, 1, false",
        "32, 64, 1, true"
    })
    void startsAGroupWhenHalfOfTheRequestsInFlightAreInTheQueue(
            int waiting, int inFlight, int groupsInProgress, boolean starts) {
        assertThat(GroupCommit.shouldStartGroup(waiting, inFlight, groupsInProgress))
                .isEqualTo(starts);
    }

    @Test
    void waitsForTheOthersInFlightForAMomentOnly() throws Exception {
        groupCommit = new GroupCommit(this::recordOnceTheDiskIsFree, 1, LONG_TIMEOUT, metrics);
        disk.countDown();
        groupCommit.expect(() -> 100);
        assertThat(call("whose neighbours never come").get(10, TimeUnit.SECONDS))
                .isEqualTo(RecordResult.APPLIED);
    }

    @Test
    void returnsTheResultOfEachAndFailsOnlyThePoisonedOnes() throws Exception {
        groupCommit = new GroupCommit(
                group -> {
                    recordOnceTheDiskIsFree(group);
                    for (Callback callback : group) {
                        if (callback.taskId().equals("poisoned")) {
                            throw new RejectedByDatabaseException("no", null);
                        }
                        if (callback.taskId().equals("unforeseen")) {
                            throw new IllegalStateException("no");
                        }
                    }
                    return group.stream()
                            .map(callback ->
                                    callback.taskId().equals("late") ? RecordResult.STALE : RecordResult.APPLIED)
                            .toList();
                },
                1,
                LONG_TIMEOUT,
                metrics);
        Future<RecordResult> first = call("first");
        await().until(() -> sizes.size() == 1);
        Future<RecordResult> good = call("good");
        Future<RecordResult> poisoned = call("poisoned");
        Future<RecordResult> unforeseen = call("unforeseen");
        Future<RecordResult> late = call("late");
        await().until(() -> groupCommit.queueSize() == 4);

        disk.countDown();

        assertThat(first.get()).isEqualTo(RecordResult.APPLIED);
        assertThat(good.get()).isEqualTo(RecordResult.APPLIED);
        assertThat(late.get()).isEqualTo(RecordResult.STALE);
        assertThatThrownBy(poisoned::get).hasCauseInstanceOf(RejectedByDatabaseException.class);
        assertThatThrownBy(unforeseen::get).hasCauseInstanceOf(IllegalStateException.class);
    }

    @Test
    void failsACallbackThatWaitedTooLongAndDoesNotWriteItLater() throws Exception {
        groupCommit = new GroupCommit(this::recordOnceTheDiskIsFree, 1, Duration.ofMillis(300), metrics);
        Future<RecordResult> held = call("held");
        await().until(() -> sizes.size() == 1);
        Future<RecordResult> waiting = call("waiting");

        assertThatThrownBy(held::get).hasCauseInstanceOf(NotRecordedException.class);
        assertThatThrownBy(waiting::get).hasCauseInstanceOf(NotRecordedException.class);
        disk.countDown();

        assertThat(call("next").get()).isEqualTo(RecordResult.APPLIED);
        assertThat(sizes)
                .as("the callback whose caller has given up is not written")
                .containsExactly(1, 1);
    }

    @Test
    void failsAtOnceIfTheQueueIsFull() throws Exception {
        groupCommit = new GroupCommit(this::recordOnceTheDiskIsFree, 1, LONG_TIMEOUT, metrics);
        Future<RecordResult> first = call("first");
        await().until(() -> sizes.size() == 1);
        List<Future<RecordResult>> others = IntStream.range(0, GroupCommit.MAX_QUEUE_SIZE)
                .mapToObj(i -> call("other-" + i))
                .toList();
        await().until(() -> groupCommit.queueSize() == GroupCommit.MAX_QUEUE_SIZE);

        assertThatThrownBy(call("one too many")::get)
                .hasCauseInstanceOf(NotRecordedException.class)
                .hasMessageContaining("the queue is full");
        disk.countDown();
        first.get();
        for (Future<RecordResult> other : others) {
            other.get();
        }
    }

    @Test
    void replacesAWriterThreadThatDies() throws Exception {
        groupCommit = new GroupCommit(
                group -> {
                    if (group.get(0).taskId().equals("deadly")) {
                        throw new StackOverflowError("on purpose");
                    }
                    return Collections.nCopies(group.size(), RecordResult.APPLIED);
                },
                1,
                LONG_TIMEOUT,
                metrics);
        assertThatThrownBy(call("deadly")::get).hasCauseInstanceOf(NotRecordedException.class);
        assertThat(call("next").get()).isEqualTo(RecordResult.APPLIED);
    }

    @Test
    void writesTheQueueBeforeItStops() throws Exception {
        groupCommit = new GroupCommit(this::recordOnceTheDiskIsFree, 1, LONG_TIMEOUT, metrics);
        Future<RecordResult> first = call("first");
        await().until(() -> sizes.size() == 1);
        Future<RecordResult> waiting = call("waiting");
        await().until(() -> groupCommit.queueSize() == 1);

        CompletableFuture<Void> end = CompletableFuture.runAsync(groupCommit::close, callers);
        await().untilAsserted(() -> assertThatThrownBy(call("too late")::get).hasMessageContaining("is stopping"));
        disk.countDown();

        end.get();
        assertThat(first.get()).isEqualTo(RecordResult.APPLIED);
        assertThat(waiting.get()).isEqualTo(RecordResult.APPLIED);
    }

    private Future<RecordResult> call(String taskId) {
        return groupCommit.record(callback(taskId));
    }

    private List<RecordResult> recordOnceTheDiskIsFree(List<Callback> group) {
        sizes.add(group.size());
        try {
            disk.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return Collections.nCopies(group.size(), RecordResult.APPLIED);
    }

    private static Callback callback(String taskId) {
        return Callbacks.callback(taskId, "1", Outcome.COMPLETED, null, 0);
    }
}
