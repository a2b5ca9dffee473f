package dev.callboard.command;

import ch.qos.logback.classic.Logger;
import dev.callboard.Callboard;
import dev.callboard.Version;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.LoggerFactory;

/**
 * The entry of {@code bin/callboard}: starts Callboard, or runs the command that the first argument names. The exit code
 * of a command is 0 if it did what it is for, 1 if not, and 2 if the arguments are wrong.
 */
public final class CommandLine {
    private static final int OK = 0;
    private static final int FAILED = 1;
    private static final int WRONG_ARGUMENTS = 2;

    /** The system property with a file to create once Callboard is ready. */
    private static final String READY_FILE = "callboard-ready-file";

    private static final String HELP =
            """
            callboard                starts Callboard, which runs until SIGTERM or SIGINT
            callboard check          checks settings, routes, schemas, ports, database, mail server and API keys
            callboard test-mail      sends a test mail, and a message to the chat, whether Callboard runs or not
            callboard backup FILE    writes a backup of the H2 database to a new file, while Callboard runs
            callboard restore FILE   creates the H2 database from a backup, while Callboard is stopped
            callboard export --to jdbc:postgresql://HOST/DATABASE --user USER
                                     copies the H2 database to an empty PostgreSQL database, while Callboard is
                                     stopped; the environment variable PGPASSWORD has the password
            callboard --version      shows the version
            callboard help           shows this text

            It runs in the folder CALLBOARD_HOME; without that, in the current folder if it has an
            application.properties, and otherwise in the folder of the archive. CALLBOARD_JAVA_OPTIONS replaces the
            options of the JVM, JAVA_HOME names a JDK or JRE.
            """;

    private final Map<String, String> environment;
    private final PrintStream out;
    private final PrintStream err;

    CommandLine(Map<String, String> environment, PrintStream out, PrintStream err) {
        this.environment = environment;
        this.out = out;
        this.err = err;
    }

    /** Starts Callboard if there are no arguments, else runs a command and exits. */
    public static void main(String[] args) {
        if (args.length == 0) {
            Callboard.main(args);
            noteThatItWasReady();
            return;
        }
        // A command's result is what it prints.
        ((Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)).detachAppender("console");
        System.exit(new CommandLine(System.getenv(), System.out, System.err).run(List.of(args)));
    }

    /** For {@code bin/callboard}, which keeps nothing of a run that did not get so far. */
    private static void noteThatItWasReady() {
        String file = System.getProperty(READY_FILE);
        if (file != null) {
            try {
                Files.createFile(Path.of(file));
            } catch (IOException e) {
                // Later starts are not faster then.
            }
        }
    }

    /** Runs a command; returns its exit code. */
    int run(List<String> arguments) {
        try {
            return run(arguments.get(0), new ArrayDeque<>(arguments.subList(1, arguments.size())));
        } catch (StartException | CommandFailedException e) {
            err.println("callboard: " + e.getMessage());
            return FAILED;
        }
    }

    private int run(String command, Deque<String> arguments) throws CommandFailedException {
        return switch (command) {
            case "check" -> {
                if (!arguments.isEmpty()) {
                    yield wrong("check takes no arguments");
                }
                yield new Check(out).run(Settings::read) ? OK : FAILED;
            }
            case "test-mail" -> {
                if (!arguments.isEmpty()) {
                    yield wrong("test-mail takes no arguments");
                }
                TestMailCommand.run(Settings.read(), out);
                yield OK;
            }
            case "backup" -> {
                if (arguments.size() != 1) {
                    yield wrong("backup takes one argument, the new file");
                }
                Backup.write(Settings.read(), Path.of(arguments.pop()), out);
                yield OK;
            }
            case "restore" -> {
                if (arguments.size() != 1) {
                    yield wrong("restore takes one argument, the file of a backup");
                }
                Restore.run(Settings.read(), Path.of(arguments.pop()), out);
                yield OK;
            }
            case "export" -> export(arguments);
            case "version", "--version", "-V" -> {
                out.println("callboard " + Version.current());
                yield OK;
            }
            case "help", "--help", "-h" -> {
                out.print(HELP);
                yield OK;
            }
            default -> wrong("there is no command " + command);
        };
    }

    private int export(Deque<String> arguments) throws CommandFailedException {
        Optional<String> to = Optional.empty();
        String user = "";
        while (!arguments.isEmpty()) {
            String name = arguments.pop();
            if (arguments.isEmpty() || !List.of("--to", "--user").contains(name)) {
                return wrong("export takes --to and --user, each with a value; not " + name);
            }
            if (name.equals("--to")) {
                to = Optional.of(arguments.pop());
            } else {
                user = arguments.pop();
            }
        }
        if (to.isEmpty()) {
            return wrong("export needs --to jdbc:postgresql://HOST/DATABASE");
        }
        Export.run(
                Settings.read().database(),
                new Settings.Database(to.get(), user, environment.getOrDefault("PGPASSWORD", "")),
                out);
        return OK;
    }

    private int wrong(String why) {
        err.println("callboard: " + why + "; see callboard help");
        return WRONG_ARGUMENTS;
    }
}
