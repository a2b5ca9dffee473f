package dev.callboard.testkit;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/** How long tests wait for what Callboard does in the background. */
public final class Waiting {
    private Waiting() {}

    /** Checks a condition often, and fails after a time that is long enough on a busy machine. */
    public static ConditionFactory soon() {
        return Awaitility.await().pollInterval(Duration.ofMillis(50)).atMost(Duration.ofSeconds(40));
    }
}
