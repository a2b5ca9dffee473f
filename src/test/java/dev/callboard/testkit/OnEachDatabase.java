package dev.callboard.testkit;

import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Tests that run on H2 and on PostgreSQL. The tests of a class share one Callboard on each, with the default settings. */
@ParameterizedClass
@EnumSource(Backend.class)
public abstract class OnEachDatabase {
    public static TestCallboard callboard;

    @Parameter
    public Backend backend;

    @BeforeParameterizedClassInvocation
    public static void start(Backend backend) {
        callboard = TestCallboard.start(backend);
    }

    @AfterParameterizedClassInvocation
    public static void stop() {
        callboard.close();
    }
}
