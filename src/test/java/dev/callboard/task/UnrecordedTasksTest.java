package dev.callboard.task;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.Callbacks;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.impl.engine.SimpleCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

final class UnrecordedTasksTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"taskId\":\"a\",\"status\":9.5}|a",
                "{\"id\":\"a\"}|a",
                "{\"task_id\":\"a\"}|a",
                "{\"data\":{\"id\":\"inner\"},\"list\":[{\"id\":\"inner\"}],\"id\":\"a\"}|a",
                "{\"id\":\"a\",\"id\":\"b\"}|a",
                "{\"id\":\"a\"} and more|a",
                "{\"id\":\"a\",|a",
                "{\"id\":5}|",
                "{\"id\":null}|",
                "{\"id\"|",
                "{\"status\":1,,\"id\":\"a\"}|",
                "[{\"id\":\"a\"}]|",
                "\"id\"|",
                "no JSON|",
                "''|",
            })
    void readsTheIdBeforeTheFirstMistake(String body, String id) {
        assertThat(UnrecordedTasks.taskId(body)).isEqualTo(Optional.ofNullable(id));
    }

    @ParameterizedTest
    @MethodSource("unusableIds")
    void keepsNoIdThatNoTaskCanHave(String id) {
        try (UnrecordedTasks tasks = new UnrecordedTasks(null, Set.of("fotor"))) {
            tasks.add(Callbacks.callback("a", "0", Outcome.IN_PROGRESS, null, 0));
            tasks.addQuarantined(quarantined("fotor", id));
            tasks.addQuarantined(quarantined("nobody", "a"));

            assertThat(tasks.size()).isEqualTo(1);
        }
    }

    private static Stream<String> unusableIds() {
        return Stream.of("", " ", "x".repeat(201), "with\0", "\ud800", "x".repeat(1_000_000));
    }

    private static Exchange quarantined(String provider, String taskId) {
        Exchange exchange = new DefaultExchange(new SimpleCamelContext());
        exchange.setVariable("provider", provider);
        exchange.setVariable("taskId", taskId);
        exchange.setVariable("payload", "{");
        return exchange;
    }
}
