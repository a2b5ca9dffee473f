package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The callbacks of Fotor's document, from the answer to the rows. */
@ParameterizedClass
@EnumSource(Backend.class)
record FotorTest(Backend backend) {
    private static TestCallboard callboard;

    @BeforeParameterizedClassInvocation
    static void start(Backend backend) {
        callboard = TestCallboard.start(backend);
    }

    @AfterParameterizedClassInvocation
    static void stop() {
        callboard.close();
    }

    @Test
    void recordsACompletedAvatarWithItsImages() {
        assertThat(callboard
                        .post("fotor", TestCallboard.payload("fotor-avatar-completed"))
                        .statusCode())
                .isEqualTo(200);
        assertThat(callboard.rows("SELECT * FROM task WHERE task_id = ?", "39371b3800cc4a7e9e24867b0dfdf25b"))
                .singleElement()
                .satisfies(task -> assertThat(task).containsEntry("outcome", "completed"));
        assertThat(callboard.rows("SELECT * FROM result WHERE task_id = ?", "39371b3800cc4a7e9e24867b0dfdf25b"))
                .hasSize(3);
    }
}
