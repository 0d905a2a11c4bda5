package org.elasticsearch.plugins;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.Constructor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import org.elasticsearch.Build;
import org.elasticsearch.action.admin.cluster.node.info.PluginsAndModules;
import org.elasticsearch.common.settings.Settings;

/**
 * Takes plugins by class name from the class path, where Maven put them.
 *
 * <p>In this package because LoadedPlugin, loadPlugin and loadExtensions are visible only here.
 */
public final class ClasspathPluginsService extends PluginsService {
    private static final String DESCRIPTOR = "META-INF/es-plugins/%s/plugin-descriptor.properties";
    private static final List<String> PUBLISHED =
        List.of("transport-netty4", "x-pack-core", "x-pack-esql", "x-pack-kql", "x-pack-security");
    private static final ClassLoader CLASSES = ClasspathPluginsService.class.getClassLoader();

    private final List<LoadedPlugin> loaded = new ArrayList<>();
    private final PluginsAndModules info;

    public ClasspathPluginsService(Settings settings, Path configDir, PluginsLoader loader, List<String> classNames) {
        super(settings, configDir, loader);
        Map<String, PluginDescriptor> descriptors = descriptorsByClass();
        List<PluginDescriptor> modules = new ArrayList<>();
        for (String className : classNames) {
            PluginDescriptor descriptor = descriptors.getOrDefault(className, ownDescriptor(className));
            loaded.add(new LoadedPlugin(descriptor, loadPlugin(pluginClass(className), settings, configDir), CLASSES));
            modules.add(descriptor);
        }
        loadExtensions(plugins());
        info = new PluginsAndModules(List.of(), modules);
    }

    /** The superclass asks for this from its constructor, before ours has run: then there are none yet. */
    @Override
    protected List<LoadedPlugin> plugins() {
        return loaded == null ? List.of() : loaded;
    }

    @Override
    public PluginsAndModules info() {
        return info == null ? super.info() : info;
    }

    /**
     * Service providers found on the class path. As in Elasticsearch, a provider may want its plugin as the one
     * argument of its constructor; one that wants a plugin we do not run is left out.
     */
    @Override
    public <T> List<? extends T> loadServiceProviders(Class<T> service) {
        List<T> providers = new ArrayList<>();
        ServiceLoader.load(service, CLASSES).stream()
            .map(ServiceLoader.Provider::type)
            .forEach(type -> this.<T>newProvider(type).ifPresent(providers::add));
        return List.copyOf(providers);
    }

    private <T> Optional<T> newProvider(Class<? extends T> type) {
        try {
            boolean wantsPlugin = false;
            for (Constructor<?> constructor : type.getConstructors()) {
                Class<?>[] wanted = constructor.getParameterTypes();
                if (wanted.length != 1 || !Plugin.class.isAssignableFrom(wanted[0])) {
                    continue;
                }
                wantsPlugin = true;
                for (LoadedPlugin plugin : plugins()) {
                    if (plugin.instance().getClass() == wanted[0]) {
                        return Optional.of(type.cast(constructor.newInstance(plugin.instance())));
                    }
                }
            }
            return wantsPlugin ? Optional.empty() : Optional.of(type.cast(type.getConstructor().newInstance()));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("cannot create service provider " + type.getName(), e);
        }
    }

    private static Class<? extends Plugin> pluginClass(String className) {
        try {
            return Class.forName(className, true, CLASSES).asSubclass(Plugin.class);
        } catch (ClassNotFoundException e) {
            throw new IllegalArgumentException("plugin is not on the class path: " + className, e);
        }
    }

    private static Map<String, PluginDescriptor> descriptorsByClass() {
        Map<String, PluginDescriptor> descriptors = new HashMap<>();
        for (String name : PUBLISHED) {
            try (InputStream stream = CLASSES.getResourceAsStream(String.format(DESCRIPTOR, name))) {
                if (stream == null) {
                    throw new IllegalStateException("no plugin descriptor of " + name + " on the class path");
                }
                PluginDescriptor descriptor = PluginDescriptor.readInternalDescriptorFromStream(stream);
                descriptors.put(descriptor.getClassname(), descriptor);
            } catch (IOException e) {
                throw new UncheckedIOException("plugin descriptor of " + name + " cannot be read", e);
            }
        }
        return descriptors;
    }

    /** For our own plugins, which carry no descriptor file. */
    private static PluginDescriptor ownDescriptor(String className) {
        String simpleName = className.substring(className.lastIndexOf('.') + 1);
        String version = Build.current().version();
        return new PluginDescriptor(
            simpleName, "part of the Busyhour local node", version, version, "17", className, null,
            List.of(), false, false, false, false);
    }
}
