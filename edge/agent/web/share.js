// Which camera gets what of the few connections there are; pure. A browser opens six to one
// address (HTTP/1.1). One waits for alerts and one must stay free, for an acknowledgement has to go
// through at once; so four are for streams, fewer while clips play. Where they do not suffice, what
// moves goes before what is quiet, and a quiet camera shows a still.

export const STREAMS_MAX = 4;

/**
 * Share out streams.
 *
 * `tiles` are `{name, isVisible, isLarge, isAwake, isSeeing}` in their order on the page. Gives for each name
 * `{picture: "live" | "still" | "off", hasBoxes}`.
 */
export function share(streams, tiles) {
  const shares = new Map(
    tiles.map(({ name, isVisible }) => [
      name,
      { picture: isVisible ? "still" : "off", hasBoxes: false },
    ]),
  );
  let left = streams;
  const give = (chosen, grant) => {
    for (const tile of tiles.filter((each) => each.isVisible && chosen(each))) {
      left -= left > 0 && grant(shares.get(tile.name)) ? 1 : 0;
    }
  };
  const picture = (share) => share.picture !== "live" && Boolean((share.picture = "live"));
  const boxes = (share) => share.picture === "live" && !share.hasBoxes && (share.hasBoxes = true);
  give((tile) => tile.isLarge, picture);
  give((tile) => tile.isLarge, boxes);
  give((tile) => tile.isAwake, picture);
  give((tile) => tile.isAwake, boxes);
  give((tile) => tile.isSeeing, picture);
  give(() => true, picture);
  return shares;
}
