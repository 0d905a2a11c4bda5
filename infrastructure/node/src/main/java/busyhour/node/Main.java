package busyhour.node;

import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.ClasspathNode;
import org.elasticsearch.node.Node;

/**
 * Runs one Elasticsearch node until SIGTERM.
 *
 * <p>Usage: {@code Main HOME PASSWORD_FILE [key=value ...]}. HOME/config holds elasticsearch.yml and log4j2.properties;
 * data, logs and snapshots go under HOME. Every {@code key=value} is a setting that wins over the file.
 */
public final class Main {
    private static final int CLOSE_SECONDS = 25;

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]).toAbsolutePath();
        BootstrapKeystore secrets = BootstrapKeystore.fromPasswordFile(Path.of(arguments[1]));
        Environment environment = NodeEnvironmentFiles.prepare(home, secrets, overrides(arguments));
        LogConfigurator.setNodeName(Node.NODE_NAME_SETTING.get(environment.settings()));
        // Console logging stays on so that a failure before the log file is open is still written somewhere.
        LogConfigurator.configure(environment, true);
        runUntilStopped(ClasspathNode.create(environment));
    }

    private static Map<String, String> overrides(String[] arguments) {
        Map<String, String> settings = new TreeMap<>();
        for (int i = 2; i < arguments.length; i++) {
            int equals = arguments[i].indexOf('=');
            if (equals < 1) {
                throw new IllegalArgumentException("not key=value: " + arguments[i]);
            }
            settings.put(arguments[i].substring(0, equals), arguments[i].substring(equals + 1));
        }
        return settings;
    }

    private static void runUntilStopped(Node node) throws Exception {
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node, stopped), "busyhour-node-shutdown"));
        node.start();
        stopped.await(); // the node's own threads are daemons: without this the process would end here
    }

    private static void close(Node node, CountDownLatch stopped) {
        try {
            node.prepareForClose();
            node.close();
            node.awaitClose(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (Exception e) {
            // Nothing acknowledged is at stake, the translog has it; but whoever reads the log should know.
            e.printStackTrace();
        } finally {
            stopped.countDown();
        }
    }
}
