"""How the other models of the zoo are imported, for the table of models and modes."""

from __future__ import annotations

from recipes import IMAGENET, RECIPES, Recipe

UNIT = "--mean 0,0,0 --scale 0.00392157,0.00392157,0.00392157"
CENTRED = "--mean 127.5,127.5,127.5 --scale 0.00784314,0.00784314,0.00784314"
CAFFE_MEAN = "--mean 104,117,123 --pixel_format bgr"
RGB_NHWC = "--pixel_format rgb --channel_format nhwc"
# whether a score is that of its neighbourhood: far from a line onnxruntime's Sigmoid, exact to about 1e-7, gives many equal ones
PEAKS = "--excepts WireFrameModel_with_alpha/Decoder/Equal:0_Equal"
LETTERBOX = "--keep_aspect_ratio"


def picture(options: str, pictures: str = "photos", test_picture: str = "") -> Recipe:
    return Recipe(options, pictures, test_picture=test_picture)


def quantized(options: str, pictures: str = "photos", class_offset: int = 0, test_picture: str = "") -> Recipe:
    return Recipe(options, pictures, class_offset=class_offset, is_quantized=True, test_picture=test_picture)


def random(options: str = "") -> Recipe:
    return Recipe(options, "random")


def sized(height: int, width: int | None = None) -> str:
    return f"--resize_dims {height},{width or height}"


ONNX = {
    "age_v1": picture(f"--input_shapes [[1,3,64,64]] {sized(64)} --pixel_format rgb --mean 122.782,117.001,104.298 --scale 0.00390625,0.00390625,0.00390625"),
    "basic_pitch": random("--input_shapes [[1,43844,1]]"),
    "blazeface_back_256": picture(f"{sized(256)} {LETTERBOX} {CENTRED} {RGB_NHWC}"),
    "blazeface_front_128": picture(f"{sized(128)} {LETTERBOX} {CENTRED} {RGB_NHWC}"),
    "centerface": picture(f"--input_shapes [[1,3,352,640]] {sized(352, 640)} --pixel_format rgb"),
    "clpr_det": picture(f"--input_shapes [[1,3,320,416]] {sized(320, 416)} {CAFFE_MEAN}"),
    "clpr_rec": picture(f"--input_shapes [[1,3,32,160]] {sized(32, 160)} {CENTRED}"),
    "ddddocr_det_yolox": picture(f"{sized(416)} {LETTERBOX} --pad_value 114 --pad_type normal"),
    "dtln_1": random(),
    "dtln_2": random(),
    "gender_v1": picture(f"--input_shapes [[1,3,32,32]] {sized(32)} --pixel_format rgb --mean 122.782,117.001,104.298 --scale 0.00390625,0.00390625,0.00390625"),
    "magika_v1": random("--input_shapes [[1,1536]]"),
    "mlsd_320_large": picture(f"{sized(320)} --pixel_format rgba --channel_format nhwc --mean 0,0,0,0 --scale 1,1,1,0.00392157 {PEAKS}"),
    "mlsd_320_tiny": picture(f"{sized(320)} --pixel_format rgba --channel_format nhwc --mean 0,0,0,0 --scale 1,1,1,0.00392157 {PEAKS}"),
    "nudenet_yolov8n_320": picture(f"--input_shapes [[1,3,320,320]] {sized(320)} {LETTERBOX} --pad_type normal {UNIT} --pixel_format rgb"),
    "opennsfw_resnet50thin": picture(f"--input_shapes [[1,224,224,3]] {sized(256)} {CAFFE_MEAN} --channel_format nhwc"),
    "oww_alexa": random(),
    "oww_embedding": random("--input_shapes [[1,76,32,1]]"),
    "oww_hey_mycroft": random("--input_shapes [[1,16,96]]"),
    "oww_melspectrogram": random("--input_shapes [[1,17280]]"),
    "ppocrv2_cls": picture(f"--input_shapes [[1,3,48,192]] {sized(48, 192)} {CENTRED}"),
    "ppocrv2_det": picture(f"--input_shapes [[1,3,320,320]] {sized(320)} --mean 123.675,116.28,103.53 --scale 0.01712475,0.017507,0.01742919", test_picture="page.png"),
    "ppocrv4_det": picture(f"--input_shapes [[1,3,192,384]] {sized(192, 384)} {CENTRED}"),
    "ppocrv4_rec": picture(f"--input_shapes [[1,3,48,320]] {sized(48, 320)} {CENTRED}"),
    "silero_vad_16k": random("--input_shapes [[1,576],[2,1,128]] --constant_inputs sr=16000"),
    "silero_vad_ifless": random("--input_shapes [[1,576],[2,1,128]] --constant_inputs sr=16000"),
    "style_multi26": random("--input_shapes [[1,3,256,256],[26]]"),
    "style_predict_mobilenetv2_qdq": picture(f"{sized(256)} {UNIT} {RGB_NHWC}"),
    "style_transform_qdq": random(),
    "super_resolution_10": random("--input_shapes [[1,1,224,224]]"),
}
TFLITE = {
    "basic_pitch_tfl": random(),
    "blazeface_short": picture(f"{sized(128)} {LETTERBOX} {CENTRED} --pixel_format rgb"),
    "deeplab_v3_257": picture(f"{sized(257)} {CENTRED} --pixel_format rgb"),
    "efficientdet_lite0_int8": quantized(f"{sized(320)} {LETTERBOX} --pixel_format rgb"),
    "efficientnet_lite0_f32": picture(f"{IMAGENET} --mean 127,127,127 --scale 0.0078125,0.0078125,0.0078125", "imagenet1k_256"),
    "efficientnet_lite0_int8": quantized(IMAGENET, "imagenet1k_256"),
    "face_blendshapes": random(),
    "face_detection_back": picture(f"{sized(256)} {LETTERBOX} {CENTRED} --pixel_format rgb"),
    "face_detection_full_range": picture(f"{sized(192)} {LETTERBOX} {CENTRED} --pixel_format rgb"),
    "face_landmark_f32": picture(f"{sized(192)} {UNIT} --pixel_format rgb"),
    "face_landmarks_v2": picture(f"{sized(256)} {UNIT} --pixel_format rgb"),
    "hand_detector": picture(f"{sized(192)} {LETTERBOX} {UNIT} --pixel_format rgb"),
    "hand_landmarks": picture(f"{sized(224)} {UNIT} --pixel_format rgb"),
    "iris_landmark_f32": picture(f"{sized(64)} {UNIT} --pixel_format rgb"),
    "mobilenet_v1_05_160_quant_uint8": quantized("--resize_dims 183,183 --keep_aspect_ratio --keep_ratio_mode short_side_scale --pixel_format rgb", "imagenet1k_256", 1),
    "mobilenet_v2_ptq_int8": quantized(IMAGENET, "imagenet1k_256", 1),
    "mobilenet_v2_quant_uint8": quantized(IMAGENET, "imagenet1k_256", 1),
    "pose_detector": picture(f"{sized(224)} {LETTERBOX} {CENTRED} --pixel_format rgb"),
    "pose_landmarks_full": picture(f"{sized(256)} {LETTERBOX} {UNIT} --pixel_format rgb"),
    "resnet8_cifar10_f32": picture(f"{sized(32)} --pixel_format rgb", "cifar10_20"),
    "resnet8_cifar10_int8": quantized(f"{sized(32)} --pixel_format rgb", "cifar10_20"),
    "selfie_segmenter": picture(f"{sized(256)} {UNIT} --pixel_format rgb"),
    "vww_96_f32": picture(f"{sized(96)} {UNIT} --pixel_format rgb"),
    # on the first picture both scores are within two steps of 0: a rounding is all of them
    "vww_96_int8": quantized(f"{sized(96)} --pixel_format rgb", test_picture="zidane.jpg"),
}
CAFFE = {
    "open_nsfw_resnet50_1by2": picture(f"{sized(256)} {CAFFE_MEAN}"),
    "res10_ssd_face": Recipe(f"{sized(300)} --mean 104,177,123 --pixel_format bgr", "photos", excepts="detection_out"),
    "ultraface_rfb_320_caffe": picture(f"{sized(240, 320)} --mean 127,127,127 --scale 0.0078125,0.0078125,0.0078125 --pixel_format rgb"),
    "wechat_qr_detect": Recipe(f"{sized(384)} --pixel_format gray --mean 0 --scale 0.00392157", "photos", excepts="detection_output"),
    # upsample/rec is the small correction of the enlarged picture, a difference of large terms: 0.66 in 8 bits, where the result is 0.986
    "wechat_qr_sr": Recipe(f"{sized(224)} --pixel_format gray --mean 0 --scale 0.00392157", "photos", excepts="upsample/rec"),
}
ALL_RECIPES = {**RECIPES, **ONNX, **TFLITE, **CAFFE}
"""By name, with those that the suites run."""
