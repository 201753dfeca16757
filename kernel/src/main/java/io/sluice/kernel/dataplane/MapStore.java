// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.ArrayOfMaps;
import io.sluice.kernel.bpf.Bpf;
import io.sluice.kernel.bpf.BpfMap;
import io.sluice.kernel.bpf.BpfObject;
import io.sluice.kernel.bpf.Fd;
import io.sluice.kernel.bpf.KernelTypes;
import io.sluice.kernel.bpf.MapInfo;
import io.sluice.kernel.bpf.MapType;
import io.sluice.kernel.bpf.PerCpuArray;
import io.sluice.kernel.btf.Btf;
import io.sluice.kernel.layout.Codec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * The maps that all programs share, pinned below {@code maps/} under their names. What is pinned
 * and of this build's layout is adopted with its entries; what is of another layout is moved to
 * {@code aside/}, where it stays for people to look at, and a new map takes its place (CT-6). Not
 * thread-safe.
 */
final class MapStore implements AutoCloseable {
  /** Made for each set of programs, or for the cleaner alone. */
  private static final Set<String> PRIVATE =
      Set.of("progs", "policies", "ct_clean4", "ct_clean6", "ct_clean_stats");

  /** Maps that have an element for each of another map's. */
  private static final Map<String, String> SIZED_AS = Map.of("maglev", "services");

  private final Path folder;
  private final Path aside;
  private final Map<String, Integer> sizes;
  private final Map<String, Fd> maps = new TreeMap<>();
  private final List<String> notes = new ArrayList<>();

  private MapStore(Path root, Map<String, Integer> sizes) {
    this.folder = root.resolve("maps");
    this.aside = root.resolve("aside");
    this.sizes = sizes;
  }

  /**
   * Adopts or makes the maps of all objects.
   *
   * @param sizes entries by map name, of maps whose size may be chosen
   */
  static MapStore open(Path root, Objects objects, Map<String, Integer> sizes) {
    MapStore store = new MapStore(root, sizes);
    try {
      Pins.makeFolder(store.folder);
      for (String name : Objects.ALL) {
        try (BpfObject object = objects.open(name)) {
          store.take(object);
        }
      }
      return store;
    } catch (RuntimeException e) {
      store.close();
      throw e;
    }
  }

  /** What people should know of the adoption, a line each. */
  List<String> notes() {
    return notes;
  }

  /** Kernel IDs by name: who uses these maps is of no use to others. */
  Map<String, Integer> ids() {
    Map<String, Integer> ids = new TreeMap<>();
    maps.forEach((name, fd) -> ids.put(name, MapInfo.of(fd).id()));
    return ids;
  }

  /** A typed map; closing it leaves this store's descriptor alone. */
  <K, V> BpfMap<K, V> open(String name, Codec<K> key, Codec<V> value) {
    return new BpfMap<>(name, maps.get(name).duplicate(), key, value);
  }

  /** A map's descriptor, this store's. */
  Fd fd(String name) {
    return maps.get(name);
  }

  ArrayOfMaps openArrayOfMaps(String name) {
    return new ArrayOfMaps(name, maps.get(name).duplicate());
  }

  <V> PerCpuArray<V> openPerCpu(String name, Codec<V> value) {
    return new PerCpuArray<>(name, maps.get(name).duplicate(), value);
  }

  /** Makes an object use these maps instead of its own. */
  void share(BpfObject object) {
    for (String name : object.mapNames()) {
      Fd map = maps.get(name);
      if (map != null) {
        object.useMap(name, map);
      }
    }
  }

  private void take(BpfObject object) {
    List<String> missing = new ArrayList<>();
    for (String name : object.mapNames()) {
      if (PRIVATE.contains(name) || maps.containsKey(name)) {
        continue;
      }
      OptionalInt size = size(name);
      if (size.isPresent()) {
        object.maxEntries(name, size.getAsInt());
      }
      Optional<Fd> adopted = adopt(name, object);
      if (adopted.isPresent()) {
        maps.put(name, adopted.get());
      } else {
        missing.add(name);
      }
    }
    if (!missing.isEmpty()) {
      make(missing, object);
    }
  }

  /** What is indexed by another map's keys is as large as that map is, adopted or made. */
  private OptionalInt size(String name) {
    String other = SIZED_AS.get(name);
    if (other != null && maps.containsKey(other)) {
      return OptionalInt.of(MapInfo.of(maps.get(other)).maxEntries());
    }
    Integer own = sizes.get(other == null ? name : other);
    return own == null ? OptionalInt.empty() : OptionalInt.of(own);
  }

  /** Without its programs, loading an object makes its maps, with the types that describe them. */
  private void make(List<String> missing, BpfObject object) {
    share(object);
    object.programNames().forEach(object::without);
    object.load();
    for (String name : missing) {
      Fd map = object.mapFd(name);
      maps.put(name, map);
      Bpf.pin(map, folder.resolve(name));
    }
  }

  private Optional<Fd> adopt(String name, BpfObject object) {
    Path pin = folder.resolve(name);
    Optional<Fd> found = Bpf.find(pin);
    if (found.isEmpty()) {
      return found;
    }
    MapInfo wanted = object.mapInfo(name);
    MapInfo actual = MapInfo.of(found.get());
    List<String> differences = differences(wanted, object.btf(), actual, size(name).isPresent());
    if (differences.isEmpty()) {
      if (wanted.maxEntries() != actual.maxEntries()) {
        notes.add(
            "map %s keeps its size of %d, not %d, until sluice is uninstalled"
                .formatted(name, actual.maxEntries(), wanted.maxEntries()));
      }
      return found;
    }
    found.get().close();
    Path place = freePlace(name);
    Pins.makeFolder(aside);
    Pins.move(pin, place);
    notes.add(
        "map %s is of another layout (%s): it is set aside as %s, and a new one is used"
            .formatted(name, String.join(", ", differences), place));
    return Optional.empty();
  }

  private Path freePlace(String name) {
    int n = 1;
    while (Pins.exists(aside.resolve(name + "-" + n))) {
      n++;
    }
    return aside.resolve(name + "-" + n);
  }

  /**
   * How a pinned map differs from what the programs expect; empty: it can be adopted.
   *
   * @param sized whether its size may be another: programs do not know it
   */
  private static List<String> differences(
      MapInfo wanted, Btf wantedTypes, MapInfo actual, boolean sized) {
    List<String> differences = new ArrayList<>();
    compare(differences, "type", wanted.type(), actual.type());
    compare(differences, "key size", wanted.keySize(), actual.keySize());
    compare(differences, "value size", wanted.valueSize(), actual.valueSize());
    compare(differences, "flags", wanted.flags(), actual.flags());
    if (!sized) {
      compare(differences, "max entries", wanted.maxEntries(), actual.maxEntries());
    }
    boolean untyped = wanted.type() == MapType.RINGBUF || wanted.type() == MapType.ARRAY_OF_MAPS;
    if (!differences.isEmpty() || untyped) {
      return differences;
    }
    Optional<Btf> actualTypes = KernelTypes.of(actual);
    String keys = layout(wantedTypes, wanted.btfKeyType());
    String values = layout(wantedTypes, wanted.btfValueType());
    compare(
        differences,
        "key layout",
        keys,
        actualTypes.map(t -> layout(t, actual.btfKeyType())).orElse("unknown"));
    compare(
        differences,
        "value layout",
        values,
        actualTypes.map(t -> layout(t, actual.btfValueType())).orElse("unknown"));
    return differences;
  }

  private static String layout(Btf types, int id) {
    return id == 0 ? "unknown" : types.layout(id);
  }

  private static void compare(List<String> differences, String what, Object wanted, Object actual) {
    if (!wanted.equals(actual)) {
      differences.add(what + " " + actual + " instead of " + wanted);
    }
  }

  @Override
  public void close() {
    maps.values().forEach(Fd::close);
  }
}
