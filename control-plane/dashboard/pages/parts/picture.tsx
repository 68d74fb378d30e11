// A picture of a device with what releases found in it. The boxes are drawn over it, so that each release can be shown alone.
import type { KeptPicture } from '../../../../shared/protocol/api-pictures.ts';
import { drawnObject, letterPx } from '../../../../shared/protocol/picture-svg.ts';
import '../../styles/pictures.css';

export type PictureProps = {
  readonly picture: KeptPicture;
  /** Which releases' boxes. */
  readonly arms: readonly ('baseline' | 'candidate')[];
  /** Only what the other release has not found. */
  readonly onlyDisputed?: boolean;
  /** What it shows, for who does not see it. */
  readonly label: string;
};

export function Picture({ picture, arms, onlyDisputed = false, label }: PictureProps) {
  const { width, height, jpeg } = picture;
  const shown = picture.arms.filter(({ arm }) => arms.includes(arm));
  return (
    <svg class="picture" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <image href={`data:image/jpeg;base64,${jpeg}`} width={width} height={height} />
      {shown.map(({ arm, objects }) =>
        objects.map((object, at) => {
          const drawn = onlyDisputed && !object.isDisputed ? null : drawnObject(object, arm, picture);
          if (drawn === null) return null;
          const { x, y, width: w, height: h, words, textX, textY, anchor, isDisputed } = drawn;
          return (
            <g key={`${arm} ${at}`} class={isDisputed ? `${arm} disputed` : arm}>
              <rect x={x} y={y} width={w} height={h} />
              <text x={textX} y={textY} text-anchor={anchor} font-size={letterPx(height)}>
                {words}
              </text>
            </g>
          );
        }),
      )}
    </svg>
  );
}
