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
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

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
        groupCommit.close();
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

        assertThatThrownBy(() -> groupCommit.record(callback("one too many")))
                .isInstanceOf(NotRecordedException.class)
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
        assertThatThrownBy(() -> groupCommit.record(callback("deadly"))).isInstanceOf(NotRecordedException.class);
        assertThat(groupCommit.record(callback("next"))).isEqualTo(RecordResult.APPLIED);
    }

    @Test
    void writesTheQueueBeforeItStops() throws Exception {
        groupCommit = new GroupCommit(this::recordOnceTheDiskIsFree, 1, LONG_TIMEOUT, metrics);
        Future<RecordResult> first = call("first");
        await().until(() -> sizes.size() == 1);
        Future<RecordResult> waiting = call("waiting");
        await().until(() -> groupCommit.queueSize() == 1);

        CompletableFuture<Void> end = CompletableFuture.runAsync(groupCommit::close, callers);
        await().untilAsserted(() -> assertThatThrownBy(() -> groupCommit.record(callback("too late")))
                .hasMessageContaining("is stopping"));
        disk.countDown();

        end.get();
        assertThat(first.get()).isEqualTo(RecordResult.APPLIED);
        assertThat(waiting.get()).isEqualTo(RecordResult.APPLIED);
    }

    private Future<RecordResult> call(String taskId) {
        return callers.submit(() -> groupCommit.record(callback(taskId)));
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
