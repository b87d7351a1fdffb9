// Places on the ground as places on a plan, in kilometres from its middle; pure. Equirectangular:
// over the few kilometres of a station its error is less than a pole's width.

const KM_A_DEGREE = 111.32;
const REACH_LEAST_KM = 20;
const POINTS_MAX = 200_000; // Of somebody's own map; more would hold the page up.

const isPlace = (lat, lon) => Math.abs(lat) <= 85 && Math.abs(lon) <= 180;

/** A pole's position if it has one that is on the earth: `{lat, lon}`, else null. */
export function placeOf({ position }) {
  const { lat, lon } = position ?? {};
  const isTold = typeof lat === "number" && typeof lon === "number";
  return isTold && isPlace(lat, lon) ? { lat, lon } : null;
}

/** The place in the midst of places: far ones do not draw it away. */
export function middleOf(places) {
  const median = (values) => {
    const sorted = values.sort((one, other) => one - other);
    const half = (sorted.length - 1) / 2;
    return sorted.length ? (sorted[Math.floor(half)] + sorted[Math.ceil(half)]) / 2 : 0;
  };
  return { lat: median(places.map(({ lat }) => lat)), lon: median(places.map(({ lon }) => lon)) };
}

/** Give `project(lat, lon)` → `{x, y}` in km, x to the east and y to the south of a place. */
export function makeProjection({ lat: lat_0, lon: lon_0 }) {
  const shrink = Math.cos((lat_0 * Math.PI) / 180);
  return (lat, lon) => {
    const east = ((lon - lon_0 + 540) % 360) - 180;
    return { x: east * shrink * KM_A_DEGREE, y: (lat_0 - lat) * KM_A_DEGREE };
  };
}

/** Within how many km of the middle points are no strays: ten times as far as three of four are. */
export function reachOf(points) {
  const sorted = points.map(({ x, y }) => Math.hypot(x, y)).sort((one, other) => one - other);
  return Math.max(REACH_LEAST_KM, 10 * (sorted[Math.floor((sorted.length - 1) * 0.75)] ?? 0));
}

/** The frame round some points with a margin, and never smaller than `least_km`. */
export function frameOf(points, least_km = 0.4) {
  const spans = ["x", "y"].map((axis) => {
    let [low, high] = points.length ? [Infinity, -Infinity] : [0, 0];
    for (const point of points) [low, high] = [Math.min(low, point[axis]), Math.max(high, point[axis])];
    const size = Math.max(least_km, (high - low) * 1.16);
    return { from: (low + high) / 2 - size / 2, size };
  });
  const [{ from: x, size: width }, { from: y, size: height }] = spans;
  return { x, y, width, height };
}

/**
 * Read a GeoJSON as shapes: `{kind: "line" | "area" | "point", points, name}`. What is no place is
 * left out, whoever wrote it.
 */
export function readShapes(geojson, project) {
  const shapes = [];
  let left = POINTS_MAX;
  const take = (kind, coordinates, name) => {
    if (!Array.isArray(coordinates)) return;
    const points = coordinates
      .slice(0, left)
      .filter((each) => Array.isArray(each) && each.slice(0, 2).every(Number.isFinite))
      .filter(([lon, lat]) => isPlace(lat, lon))
      .map(([lon, lat]) => project(lat, lon));
    left -= points.length;
    if (points.length) shapes.push({ kind, points, name });
  };
  const list = (value) => (Array.isArray(value) ? value : []);
  const walk = (geometry, name, depth) => {
    const { type, coordinates } = geometry ?? {};
    if (type === "Point") take("point", [coordinates], name);
    if (type === "MultiPoint") list(coordinates).forEach((each) => take("point", [each], name));
    if (type === "LineString") take("line", coordinates, name);
    if (type === "MultiLineString") list(coordinates).forEach((each) => take("line", each, name));
    if (type === "Polygon") list(coordinates).forEach((each) => take("area", each, name));
    if (type === "MultiPolygon") list(coordinates).flat().forEach((each) => take("area", each, name));
    if (type === "GeometryCollection" && depth < 4) {
      list(geometry.geometries).forEach((each) => walk(each, name, depth + 1));
    }
  };
  const features = geojson?.type === "FeatureCollection" ? list(geojson.features) : [geojson];
  for (const feature of features) {
    const isFeature = feature?.type === "Feature";
    const name = isFeature ? feature.properties?.name : undefined;
    walk(isFeature ? feature.geometry : feature, typeof name === "string" ? name : "", 0);
  }
  return shapes;
}
