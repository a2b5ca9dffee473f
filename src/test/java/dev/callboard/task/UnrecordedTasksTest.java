package dev.callboard.task;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
}
